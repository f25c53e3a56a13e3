#!/usr/bin/env python3
"""Prints the golden numbers of metrics_test.cpp. Not run by any test.

Made with scikit-learn 1.9.1 and numpy 2.4.6 (pip install scikit-learn==1.9.1 numpy==2.4.6).
"""

import warnings

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

warnings.simplefilter("ignore")
confusion = np.array([[5, 2, 0, 1], [1, 7, 0, 0], [0, 3, 0, 1], [0, 0, 0, 0]])
n = len(confusion)
actual = np.repeat(np.arange(n), confusion.sum(axis=1))
predicted = np.concatenate([np.repeat(np.arange(n), row) for row in confusion])
for average in (None, "macro", "weighted"):
    print(average)
    for numbers in precision_recall_fscore_support(actual, predicted, labels=range(n), zero_division=0,
                                                   average=average):
        print("  ", np.asarray(numbers).tolist())
print("accuracy", accuracy_score(actual, predicted))

probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0, 1, 0], [1, 0, 0]], np.float32)
labels = np.array([0, 2, 0, 1, 1])
chosen = probabilities[np.arange(5), labels].astype(np.float64)
print("log_loss of the first three", repr(log_loss(labels[:3], probabilities[:3].astype(np.float64),
                                                   labels=[0, 1, 2])))
print("clipped, of all", repr(-np.log(np.clip(chosen, 1e-7, 1 - 1e-7)).mean()))
