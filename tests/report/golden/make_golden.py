#!/usr/bin/env python3
"""Makes the golden texts beside it from the programs whose forms Lapel's reports follow.

run_report*.txt are Lapel's own page, read and approved by hand. Not run by any test. To make them again:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install keras==3.15.1 jax==0.10.2 scikit-learn==1.9.1 tabulate==0.10.0 numpy==2.4.6
    /tmp/golden/bin/python tests/report/golden/make_golden.py
"""

import io
import os
import pathlib
import re
import warnings

os.environ["KERAS_BACKEND"] = "jax"
os.environ["COLUMNS"] = "80"
HERE = pathlib.Path(__file__).parent

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from keras.src.utils import progbar  # noqa: E402
from sklearn.metrics import classification_report  # noqa: E402
from tabulate import tabulate  # noqa: E402

FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

TIE = [[int(digit) for digit in row] for row in (
    "2000022211 0122002222 0222100201 2100002011 2121112021"
    " 1102212022 0002110002 1101200012 2022001221 2120112210").split()]


def write(name, text):
    (HERE / name).write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")


def summary(name, model):
    lines = []
    model.summary(print_fn=lines.append)
    write(name, "".join(lines))


def summaries():
    dense, conv = layers.Dense, layers.Conv2D
    summary("summary_mlp.txt", keras.Sequential([
        keras.Input((28, 28, 1)), layers.Flatten(name="flatten"), dense(512, name="dense"), dense(10, name="dense_1"),
    ], name="mlp-512"))
    summary("summary_long_names.txt", keras.Sequential([
        keras.Input((28, 28, 1)),
        conv(32, 3, name="a_convolution_with_a_very_long_name_indeed_so"),
        layers.MaxPooling2D(name="max_pooling2d"),
        layers.GlobalAveragePooling2D(name="first pool of all"),
        layers.Dropout(0.5, name="größe_der_schicht_bleibt_gleich"),
        dense(10, name="thirty_one_wide_with_typ"),
    ], name="wide"))
    frozen = dense(1000, name="frozen")
    frozen.trainable = False
    summary("summary_large.txt", keras.Sequential([
        keras.Input((20000,)), frozen, dense(20000, name="dense"),
    ], name="large"))
    inputs = keras.Input((28, 28, 1), name="input_layer")
    a = conv(32, 3, padding="same", name="conv2d")(inputs)
    b = conv(32, 3, padding="same", name="conv2d_1")(a)
    c = layers.Add(name="add")([a, b])
    d = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(c)
    summary("summary_graph.txt", keras.Model(inputs, dense(10, name="dense")(d), name="residual"))


def report(name, confusion, names):
    confusion = np.array(confusion)
    n = len(confusion)
    actual = np.repeat(np.arange(n), confusion.sum(axis=1))
    predicted = np.concatenate([np.repeat(np.arange(n), row) for row in confusion])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        present = sorted(set(actual) | set(predicted))
        write(name, classification_report(actual, predicted, labels=present, target_names=[names[i] for i in present],
                                          digits=2, zero_division=0))


def fashion_confusion():
    """Hits 850, 853, ... and misses spread in steps that differ by class."""
    return [[850 + 3 * i if i == j else (i * j + 2 * j) % 23 for j in range(10)] for i in range(10)]


def reports():
    report("report_fashion.txt", fashion_confusion(), FASHION)
    report("report_zero.txt", [[3, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]],
           ["a", "only answered", "never seen in either", "größe"])
    # The mean precision lies so near 0.xx5 that the order of adding decides the last digit.
    report("report_tie.txt", TIE, FASHION)


def tables():
    grid = {"tablefmt": "grid"}
    write("grid_counts.txt", tabulate([[str(i), name, str(6000 - i * 555)] for i, name in enumerate(FASHION)],
                                      headers=["Label", "Class", "train"], **grid))
    write("grid_missing.txt", tabulate([["0", "Été", "1,234"], ["", "Trouser", ""], ["2", "1:05", "7"]],
                                       headers=["Label", "Class", "n"], **grid))
    write("grid_decimals.txt", tabulate([["0.5000", "", "x"], ["10.2500", "", "-3"], ["-0.1000", "", "nan"]],
                                        headers=["acc", "", "mixed"], floatfmt=".4f", **grid))
    write("grid_empty.txt", tabulate([], headers=["accuracy", "b"], **grid))


class Clock:
    """Stands for the module `time` in Keras's progress bar."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now


def bar(verbose, total, step, seconds, values, finalize=None):
    """What Keras prints; its first step is not told apart, as Lapel's is not."""
    clock = Clock()
    progbar.time = clock
    out = io.StringIO()
    progbar.io_utils.print_msg = lambda text, line_break=True: out.write(text)
    one = progbar.Progbar(target=total, verbose=verbose, unit_name="step", stateless_metrics=set(), interval=0)
    clock.now = seconds
    one.update(step, values, finalize=finalize)
    text = out.getvalue()
    # Colour tells the filled part from the rest; Lapel's rest is the light line.
    text = re.sub("\x1b\\[37m(━*)\x1b\\[0m", lambda m: "─" * len(m[1]), text)
    return re.sub("\x1b\\[[0-9;]*m", "", text).strip("\r\n\b")


def progress():
    cases = [  # total, step, seconds, accuracy, loss
        (1875, 0, 0.0, 0.0, 0.0),
        (1875, 1, 0.0021, 0.0625, 2.3456),
        (1875, 120, 0.36, 0.8234, 0.4921),
        (1875, 1874, 5.1, 0.9999, 0.001),
        (1875, 1875, 5.1, 1.0, 0.00012345),
        (100, 1, 36.37, 0.5, 1.0),
        (100, 40, 40.0, 0.5, 1.0),
        (100, 39, 39.0, 0.5, 1.0),
        (1000, 10, 85.5, 0.5, 12345.678),
        (9, 4, 0.00034, 0.25, 1e-3),
        (10, 10, 119.5, 0.25, float("nan")),
    ]
    lines = [bar(1, total, step, seconds, [("accuracy", accuracy), ("loss", loss)])
             for total, step, seconds, accuracy, loss in cases]
    write("progress.txt", "\n".join(lines))
    epoch = [
        bar(2, 1875, 1875, 4.1, [("accuracy", 0.8234), ("loss", 0.4921), ("val_accuracy", 0.8512), ("val_loss", 0.4101)]),
        bar(2, 938, 938, 0.0797, [("accuracy", 0.99995), ("loss", 0.0005)]),
    ]
    write("epoch.txt", "\n".join(epoch))


if __name__ == "__main__":
    summaries()
    reports()
    tables()
    progress()
