#!/usr/bin/env python3
"""The TensorBoard callback, read by TensorBoard's own reader: Keras's folders, tags and steps (tests/train/
callback_numbers.txt), the figures of history.csv, the plots as images, after a stop and a resume as well.

usage: test_tensorboard.py LAPEL [unittest options]
"""

import collections
import csv
import pathlib
import signal
import struct
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "apps")]
import test_environment  # noqa: E402

test_environment.enter("tensorboard")
from sandbox import Sandbox  # noqa: E402
from tensorboard.backend.event_processing import event_accumulator  # noqa: E402
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader  # noqa: E402

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"
STEPS = 6  # Of an epoch: 81 training pictures in batches of 16.


def events_of(folder):
    """The (tag, step) in a folder's event files, in their order."""
    found = []
    for file in sorted(folder.glob("*tfevents*")):
        for event in LegacyEventFileLoader(str(file)).Load():
            found += [(value.tag, event.step) for value in event.summary.value]
    return found


def read(folder):
    reader = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    reader.Reload()
    return reader


def keras_events(update_freq):
    """What Keras writes, as callback_numbers.txt has it: by folder, the (tag, step in units of epochs) of two epochs."""
    wanted = collections.defaultdict(list)
    for line in (HERE.parent / "train" / "callback_numbers.txt").read_text().splitlines():
        words, _, result = line.split(" | ")
        if words == f"TensorBoard update_freq={update_freq}":
            for word in result.split():
                place, step = word.split("@")
                folder, tag = place.split("/")
                wanted[folder].append((tag, int(step)))
    return wanted


class TensorBoardTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-tensorboard-")
        self.addCleanup(folder.cleanup)
        self.box = Sandbox(LAPEL, folder.name)
        self.box.data()
        self.box.recipe()

    def train(self, update_freq='"epoch"', *words, out="run", plots="none"):
        result = self.box.run("train", "tiny.toml", "--out", out, "--plot-format", plots, "--set",
                              f'train.callbacks=[{{ type = "TensorBoard", update_freq = {update_freq} }}]', *words)
        self.assertEqual((result.code, result.stderr), (0, ""))

    def scalars(self, run, folder):
        reader = read(self.box.path(run) / "logs" / folder)
        return {tag: [(one.step, one.value) for one in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}

    def history(self, run="run"):
        return list(csv.DictReader(self.box.path(run).joinpath("history.csv").read_text().splitlines()))

    def test_tags_and_steps_are_kerass(self):
        # Keras's cases have five steps an epoch: 80 training pictures.
        self.train('"epoch"', "--set", "data.validation_split=0", "--set", "data.validation=last 10", "--set",
                   "data.limit=90", out="epoch")
        self.train("3", "--set", "data.validation_split=0", "--set", "data.validation=last 10", out="three")
        for run, update_freq in (("epoch", "epoch"), ("three", "3")):
            for folder, wanted in keras_events(update_freq).items():
                self.assertEqual(events_of(self.box.path(run) / "logs" / folder), wanted)

    def test_figures_are_those_of_the_history(self):
        self.train()
        rows = self.history()
        self.assertEqual(len(rows), 2)
        for folder, prefix in (("train", ""), ("validation", "val_")):
            scalars = self.scalars("run", folder)
            for name in ("accuracy", "loss"):
                wanted = [(step, struct.unpack("f", struct.pack("f", float(row[prefix + name])))[0])
                          for step, row in enumerate(rows)]
                self.assertEqual(scalars[f"epoch_{name}"], wanted)
        self.assertEqual([value for _, value in self.scalars("run", "train")["epoch_learning_rate"]],
                         [struct.unpack("f", struct.pack("f", 0.1))[0]] * 2)

    def test_plots_are_images(self):
        self.train(plots="png")
        plots = {file.stem: file.read_bytes() for file in self.box.path("run").joinpath("plots").glob("*.png")}
        if not plots:
            self.skipTest("gnuplot is not installed")
        reader = read(self.box.path("run/logs/plots"))
        self.assertEqual(set(reader.Tags()["images"]), set(plots))
        self.assertLessEqual({"samples_train", "confusion", "accuracy", "loss"}, set(plots))
        for name, png in plots.items():
            image = reader.Images(name)[0]
            self.assertEqual(image.encoded_image_string, png)
            self.assertEqual((image.width, image.height), struct.unpack(">II", png[16:24]))
            self.assertEqual(image.step, 2 * STEPS)

    def test_a_stopped_training_goes_on_in_the_same_curves(self):
        more = ("--set", "train.epochs=400")
        self.train("2", *more, out="whole")
        process = self.box.start("train", "tiny.toml", "--out", "parts", "--plot-format", "none", *more, "--set",
                                 'train.callbacks=[{ type = "TensorBoard", update_freq = 2 }]')
        history = self.box.path("parts/history.csv")
        while process.poll() is None and (not history.exists() or history.read_text().count("\n") < 20):
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        if process.returncode == 0:
            self.skipTest("the training was over before it could be stopped")
        resumed = self.box.run("train", "--resume", "parts", "--plot-format", "none")
        self.assertEqual((resumed.code, resumed.stderr), (0, ""))
        for folder in ("train", "validation"):
            self.assertEqual(events_of(self.box.path("parts/logs") / folder), events_of(self.box.path("whole/logs") / folder))
            self.assertEqual(self.scalars("parts", folder), self.scalars("whole", folder))

    def test_a_damaged_record_is_seen(self):
        self.train()
        file = next(self.box.path("run/logs/train").glob("*tfevents*"))
        content = bytearray(file.read_bytes())
        content[-20] ^= 1
        file.write_bytes(content)
        reader = read(file.parent)
        self.assertLess(sum(len(reader.Scalars(tag)) for tag in reader.Tags()["scalars"]), 6)


if __name__ == "__main__":
    unittest.main()
