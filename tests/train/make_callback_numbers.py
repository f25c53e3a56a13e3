#!/usr/bin/env python3
"""Makes callback_numbers.txt, with which callbacks_test.cpp compares: what Keras 3.15's own callbacks do when they are given
made-up figures, epoch by epoch. Not run by any test. Needs keras==3.15.0, with its NumPy backend.

    python3 make_callback_numbers.py > callback_numbers.txt

A line a case: `TYPE key=value ... | figures | what came of it`. Of EarlyStopping the epoch after which the training ended (0:
it did not) and that of the weights at the end; of ReduceLROnPlateau the learning rate after each epoch; of ModelCheckpoint
the names of the files, in the order in which they were written; of TensorBoard `folder/tag@step` in that order.
"""

import contextlib
import itertools
import os
import random

os.environ["KERAS_BACKEND"] = "numpy"
import keras  # noqa: E402

EPOCHS, STEPS = 14, 5


class Optimizer:
    def __init__(self, rate):
        self.learning_rate = rate
        self.iterations = 0


class Model:
    """What the callbacks need of one. Its weights are the number of the epoch."""

    def __init__(self, rate=0.1):
        self.optimizer = Optimizer(rate)
        self.stop_training = False
        self.epoch = 0
        self.restored = None
        self.files = []

    def get_weights(self):
        return self.epoch

    def set_weights(self, weights):
        self.restored = weights

    def save(self, path, **_):
        self.files.append(path)


def figures(seed, falling):
    """Some that mostly become better, to three digits, and some that are not finite."""
    draw = random.Random(seed)
    values, level = [], 0.5
    for _ in range(EPOCHS):
        level += (-1 if falling else 1) * draw.choice([0.02, 0.004, 0, -0.01, 0.03, -0.003])
        values.append(round(level, 4))
    if seed % 5 == 4:
        values[draw.randrange(EPOCHS)] = float("nan")
    return values


def fit(callback, values, monitor, rate=0.1):
    """(model, epoch after which it was stopped, learning rates)."""
    model = Model(rate)
    callback.set_model(model)
    callback.on_train_begin()
    rates, stopped = [], 0
    for epoch, value in enumerate(values):
        model.epoch = epoch + 1
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {monitor: value, "learning_rate": rate})
        rates.append(float(model.optimizer.learning_rate))
        if model.stop_training:
            stopped = epoch + 1
            break
    callback.on_train_end()
    return model, stopped, rates


def line(name, options, values, result):
    words = " ".join(f"{key}={'none' if value is None else str(value).lower() if isinstance(value, bool) else value}"
                     for key, value in options.items())
    print(f"{name} {words} | {' '.join(map(str, values))} | {' '.join(map(str, result))}")


def mode_of(mode, monitor):
    """Keras finds it out from the metrics of a model, which this one lacks."""
    return mode if mode != "auto" else "max" if monitor.endswith("accuracy") else "min"


def early_stopping():
    cases = itertools.product(["val_loss", "accuracy"], ["auto", "min", "max"], [0, 0.01], [0, 1, 3], [None, 0.48], [0, 3])
    for seed, (monitor, mode, delta, patience, baseline, start) in enumerate(cases):
        values = figures(seed, monitor.endswith("loss"))
        options = dict(monitor=monitor, mode=mode, min_delta=delta, patience=patience, baseline=baseline,
                       restore_best_weights=seed % 3 != 0, start_from_epoch=start)
        callback = keras.callbacks.EarlyStopping(**options | {"mode": mode_of(mode, monitor)})
        model, stopped, _ = fit(callback, values, monitor)
        line("EarlyStopping", options, values, [stopped, model.restored or model.epoch])


def reduce_lr():
    cases = itertools.product(["val_accuracy", "loss"], ["auto", "max"], [0.5, 0.1], [0, 1, 2], [0, 2], [0, 0.02],
                              [1e-4, 0.01])
    for seed, (monitor, mode, factor, patience, cooldown, least, delta) in enumerate(cases):
        values = figures(seed, monitor.endswith("loss"))
        options = dict(monitor=monitor, mode=mode, factor=factor, patience=patience, cooldown=cooldown, min_lr=least,
                       min_delta=delta)
        callback = keras.callbacks.ReduceLROnPlateau(**options | {"mode": mode_of(mode, monitor)})
        line("ReduceLROnPlateau", options, values, fit(callback, values, monitor)[2])


def model_checkpoint():
    for seed, (monitor, best) in enumerate(itertools.product(["val_loss", "val_accuracy", "loss"], [True, False])):
        values = figures(seed, monitor.endswith("loss"))
        filepath = "%s/{epoch:02d}-{%s:.3f}.keras" % ("best" if best else "all", monitor)
        options = dict(filepath=filepath, monitor=monitor, save_best_only=best)
        model, _, _ = fit(keras.callbacks.ModelCheckpoint(**options, mode=mode_of("auto", monitor)), values, monitor)
        names = [name.replace(".keras", ".safetensors") for name in model.files]
        line("ModelCheckpoint", options | {"filepath": filepath.replace(".keras", ".safetensors")}, values, names)
    for freq, best in itertools.product([1, 3, 5, 7], [True, False]):
        values = figures(freq, True)
        options = dict(filepath="steps-{epoch}-{batch}.keras", monitor="loss", save_best_only=best, save_freq=freq)
        callback = keras.callbacks.ModelCheckpoint(**options, mode="min")
        model = Model()
        callback.set_model(model)
        callback.on_train_begin()
        callback._set_monitor_op()
        for epoch, value in enumerate(values[:4]):
            callback.on_epoch_begin(epoch)
            for step in range(STEPS):
                callback.on_train_batch_end(step, {"loss": value - 0.001 * step})
            callback.on_epoch_end(epoch, {"loss": value})
        options["filepath"] = "steps-{epoch}-{batch}.safetensors"
        line("ModelCheckpoint", options, values[:4], [name.replace(".keras", ".safetensors") for name in model.files])


class Summary:
    """In the place of tf.summary. Keras 3.15 leaves out figures of an epoch whose last step is not a multiple of update_freq,
    which Keras 2 did not, nor does Lapel."""

    def __init__(self):
        self.lines, self.folders, self.records = [], ["-"], [True]

    def create_file_writer(self, folder):
        summary = self

        class Writer:
            @contextlib.contextmanager
            def as_default(self, step=None):
                summary.folders.append(os.path.basename(folder))
                yield
                summary.folders.pop()

            def close(self):
                pass

        return Writer()

    @contextlib.contextmanager
    def record_if(self, condition):
        self.records.append(condition)
        yield
        self.records.pop()

    def scalar(self, tag, value, step):
        condition = self.records[-1]
        recorded = condition() if callable(condition) else condition
        if self.folders[-1] != "-" and (recorded or not tag.startswith("batch_")):
            self.lines.append(f"{self.folders[-1]}/{tag}@{int(step)}")


def tensor_board():
    for freq in ("epoch", 1, 3):
        summary = Summary()
        callback = keras.callbacks.TensorBoard(log_dir="logs", update_freq=freq, write_graph=False)
        callback._summary_module = summary
        model = Model()
        callback._model = model
        callback._train_dir, callback._val_dir = "logs/train", "logs/validation"
        callback._should_write_train_graph = False
        callback._collect_learning_rate = lambda logs: logs | {"learning_rate": 0.1}
        callback.on_train_begin()
        for epoch in range(2):
            callback.on_epoch_begin(epoch)
            for step in range(STEPS):
                callback.on_train_batch_begin(step)
                model.optimizer.iterations += 1
                callback.on_train_batch_end(step, {"accuracy": 0.5, "loss": 0.5})
            logs = {"accuracy": 0.5, "loss": 0.5}
            callback.on_test_begin()
            callback.on_test_end(logs)
            callback.on_epoch_end(epoch, logs | {"val_" + key: value for key, value in logs.items()})
        line("TensorBoard", {"update_freq": freq}, [0.5, 0.5], summary.lines)


if __name__ == "__main__":
    early_stopping()
    reduce_lr()
    model_checkpoint()
    tensor_board()
