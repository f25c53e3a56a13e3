#!/usr/bin/env python3
"""The program from end to end, on small data.

usage: test_program.py LAPEL [unittest options]
"""

import csv
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time
import unittest

from sandbox import CLASSES, SIDE, SOURCE, Sandbox

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"
RUN_FILES = {"recipe.toml", "history.csv", "metrics.json", "model.safetensors", "report.txt"}
COMMANDS = ["data describe", "data show", "data convert", "train", "lr-find", "report", "compare", "evaluate", "predict",
            "summary", "recipes"]
# Far more epochs than any test waits for.
ENDLESS = ("--set", "train.epochs=1000000")


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-apps-")
        self.addCleanup(folder.cleanup)
        self.box = Sandbox(LAPEL, folder.name)
        self.box.data()
        self.box.recipe()

    def lapel(self, *words, code=0):
        result = self.box.run(*words)
        self.assertEqual(result.code, code, result.stderr)
        if code == 0:
            self.assertEqual(result.stderr, "")
        return result.stdout

    def train(self, out="run", *words):
        return self.lapel("train", "tiny.toml", "--out", out, *words)

    def json(self, *words):
        return json.loads(self.lapel(*words, "--json"))

    def tensors(self, run):
        """The header of a model file: names, types, shapes."""
        content = self.box.path(f"{run}/model.safetensors").read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header = json.loads(content[8 : 8 + length])
        self.assertEqual(len(content), 8 + length + max(t["data_offsets"][1] for n, t in header.items() if n[0] != "_"))
        return header


class TrainTest(ProgramTest):
    def test_makes_a_whole_run_folder(self):
        self.train()
        folder = self.box.path("run")
        self.assertTrue(RUN_FILES <= {p.name for p in folder.iterdir()}, list(folder.iterdir()))
        self.assertEqual([p for p in self.box.files() if p.endswith(".tmp")], [])

        metrics = json.loads((folder / "metrics.json").read_text())
        self.assertEqual(metrics["status"], "complete")
        for split in ("train", "val", "test"):
            self.assertEqual(set(metrics[split]) & {"accuracy", "loss"}, {"accuracy", "loss"})
        self.assertEqual(metrics["parameters"], SIDE * SIDE * 16 + 16 + 16 * 3 + 3)

        rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
        self.assertEqual(
            list(rows[0]), ["epoch", "accuracy", "loss", "val_accuracy", "val_loss", "learning_rate", "seconds"]
        )
        self.assertEqual([row["epoch"] for row in rows], ["1", "2"])

        header = self.tensors("run")
        shapes = {name: tensor["shape"] for name, tensor in header.items() if name != "__metadata__"}
        self.assertEqual(
            shapes,
            {
                "dense/kernel": [SIDE * SIDE, 16],
                "dense/bias": [16],
                "dense_1/kernel": [16, 3],
                "dense_1/bias": [3],
            },
        )

    def test_learns(self):
        self.train("run", "--set", "train.epochs=10")
        self.assertGreater(self.json("evaluate", "run")["accuracy"], 0.95)

    def test_the_written_recipe_repeats_the_training(self):
        self.train("first")
        self.lapel("train", "first/recipe.toml", "--out", "second")
        model = "model.safetensors"
        self.assertEqual(self.box.path(f"first/{model}").read_bytes(), self.box.path(f"second/{model}").read_bytes())

    def test_same_seed_same_bytes_and_another_seed_other_bytes(self):
        models = []
        for run, seed in (("a", 1), ("b", 1), ("c", 2)):
            self.train(run, "--set", f"train.seed={seed}", "--set", "train.threads=2")
            models.append(self.box.path(f"{run}/model.safetensors").read_bytes())
        self.assertEqual(models[0], models[1])
        self.assertNotEqual(models[0], models[2])

    def test_run_folders_are_numbered(self):
        for expected in ("runs/tiny", "runs/tiny-2", "runs/tiny-3"):
            self.assertIn(expected, self.lapel("train", "tiny.toml"))
            self.assertTrue(self.box.path(f"{expected}/metrics.json").exists())

    def test_data_option_and_environment_replace_the_source(self):
        self.box.recipe("default-data.toml", self.box.path("tiny.toml").read_text().replace('source = "data"\n', ""))
        self.box.environment["LAPEL_DATA"] = str(self.box.path("data"))
        self.lapel("train", "default-data.toml", "--out", "by-environment")
        del self.box.environment["LAPEL_DATA"]
        self.lapel("train", "default-data.toml", "--data", "data", "--out", "by-option")
        weights = [self.box.path(f"{run}/model.safetensors").read_bytes()[-200:] for run in ("by-environment", "by-option")]
        self.assertEqual(weights[0], weights[1])

    def test_one_line_an_epoch_where_output_is_no_terminal(self):
        text = self.train("run", "--set", "train.epochs=3")
        self.assertNotIn("\r", text)
        self.assertNotIn("\x1b", text)
        lines = [line for line in text.splitlines() if " - accuracy: " in line]
        self.assertEqual(len(lines), 3, text)
        for number, line in enumerate(lines, 1):
            self.assertRegex(line, rf"^Epoch {number}/3 - 6/6 - \d+s - \S+/step - accuracy: \d\.\d{{4}} - loss: \S+"
                                   r" - val_accuracy: \d\.\d{4} - val_loss: \S+$")

    def test_a_reader_that_leaves_does_not_end_the_training(self):
        process = self.box.start("train", "tiny.toml", "--out", "run")
        process.stdout.close()
        self.assertEqual(process.wait(60), 0, process.stderr.read())
        process.stderr.close()
        self.assertEqual(json.loads(self.box.path("run/metrics.json").read_text())["status"], "complete")


class TerminalTest(ProgramTest):
    def on_terminal(self, *words, columns=120):
        """What lapel writes to a terminal of so many columns."""
        try:
            controller, terminal = pty.openpty()
        except OSError as error:
            self.skipTest(f"no pseudo-terminal can be had here: {error}")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.box.environment["TERM"] = "xterm"
        process = self.box.start(*words, stdout=terminal)
        os.close(terminal)
        output = b""
        while True:
            try:
                part = os.read(controller, 4096)
            except OSError:
                part = b""
            if not part:
                break
            output += part
        os.close(controller)
        self.assertEqual(process.wait(60), 0, process.stderr.read())
        process.stderr.close()
        return output.decode()

    def test_progress_line_in_the_form_of_keras(self):
        text = self.on_terminal("train", "tiny.toml", "--out", "run")
        self.assertIn("Epoch 1/2\r\n", text)
        self.assertIn("Epoch 2/2\r\n", text)
        self.assertRegex(text, r"\r6/6 ━{20} \d+s \S+/step - accuracy: \d\.\d{4} - loss: \S+"
                               r" - val_accuracy: \d\.\d{4} - val_loss: [\d.e-]+\x1b\[K\r\n")

    def test_progress_line_fits_a_narrow_terminal(self):
        text = self.on_terminal("train", "tiny.toml", "--out", "run", columns=40)
        for line in re.findall(r"\r(6/6[^\r\n]*)\x1b\[K", text):
            self.assertTrue(len(line) <= 39 or "val_accuracy" in line, line)


class Interruptible(ProgramTest):
    def start_training(self, *more):
        """A training that is in its second epoch at least, with a small pipe behind it."""
        process = self.box.start("train", "tiny.toml", "--out", "run", *ENDLESS, *more, pipesize=4096)
        seen = b""
        while b"Epoch 2/" not in seen:
            self.assertTrue(select.select([process.stdout], [], [], 60)[0], "no output")
            part = os.read(process.stdout.fileno(), 4096)
            self.assertTrue(part, "lapel ended")
            seen += part
        return process

    def finish(self, process):
        output, errors = process.communicate(timeout=60)
        return output.decode(), errors.decode()

    def wait_until_full(self, process):
        """Waits until the pipe of standard output has no room for a line more."""
        for _ in range(6000):
            size = struct.unpack("i", fcntl.ioctl(process.stdout, termios.FIONREAD, b"\0" * 4))[0]
            if size > 4096 - 200:
                return
            time.sleep(0.01)
        self.fail("standard output never filled")


class InterruptTest(Interruptible):
    def check_interrupted(self, sent):
        process = self.start_training()
        process.send_signal(sent)
        output, errors = self.finish(process)
        self.assertEqual(process.returncode, 130, errors)
        self.assertEqual(errors, "")
        self.assertIn("Interrupted in epoch ", output)
        metrics = json.loads(self.box.path("run/metrics.json").read_text())
        self.assertEqual(metrics["status"], "interrupted")
        self.assertEqual(metrics["epochs"], len(self.box.path("run/history.csv").read_text().splitlines()) - 1)
        self.assertTrue(RUN_FILES <= {p.name for p in self.box.path("run").iterdir()})
        self.assertAlmostEqual(self.json("evaluate", "run")["accuracy"], metrics["test"]["accuracy"], places=6)

    def test_ctrl_c_keeps_what_was_learned(self):
        self.check_interrupted(signal.SIGINT)

    def test_sigterm_keeps_what_was_learned(self):
        self.check_interrupted(signal.SIGTERM)

    def test_a_second_ctrl_c_ends_at_once(self):
        # Nobody reads the full pipe: its last words hold the program after the first signal. No plots: gnuplot, which
        # gets no signal here, could still be writing when the test's folder goes.
        process = self.start_training("--plot-format", "none")
        self.wait_until_full(process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), -signal.SIGINT)
        self.finish(process)

    def test_kill_leaves_only_whole_files(self):
        process = self.start_training()
        process.kill()
        self.finish(process)
        history = self.box.path("run/history.csv").read_text()
        self.assertTrue(history.endswith("\n"))
        self.assertTrue(all(len(line.split(",")) == 7 for line in history.splitlines()), history)
        self.assertEqual(self.box.run("train", "run/recipe.toml", "--out", "again", "--set", "train.epochs=1").code, 0)
        self.assertFalse(self.box.path("run/model.safetensors").exists())


class ResumeTest(Interruptible):
    """Runs of so many epochs that a full pipe holds them in their midst; nobody's clock has a part in it."""

    EPOCHS = ("--set", "train.epochs=400", "--set", "train.optimizer={ type = \"Adam\" }", "--set", "train.use_ema=true")

    def start_and_hold(self, out):
        process = self.box.start("train", "tiny.toml", "--out", out, "--plot-format", "none", *self.EPOCHS, pipesize=4096)
        self.wait_until_full(process)
        return process

    def check_resumed(self, out):
        self.train("whole", "--plot-format", "none", *self.EPOCHS)
        before = len(self.box.path(f"{out}/history.csv").read_text().splitlines())
        self.assertLess(before, 401)
        self.assertEqual(len(list(self.box.path(f"{out}/checkpoints").glob("*.tmp"))), 0)
        self.assertIn("Goes on in epoch ", self.lapel("train", "--resume", out, "--plot-format", "none"))
        for name in ("model.safetensors", "confusion.csv"):
            self.assertEqual(self.box.path(f"{out}/{name}").read_bytes(), self.box.path(f"whole/{name}").read_bytes())
        rows = [[row[:6] for row in csv.reader(self.box.path(f"{run}/history.csv").read_text().splitlines())]
                for run in (out, "whole")]
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(json.loads(self.box.path(f"{out}/metrics.json").read_text())["status"], "complete")

    def test_a_killed_run_goes_on_as_if_nothing_had_been(self):
        process = self.start_and_hold("run")
        process.kill()
        self.finish(process)
        self.assertFalse(self.box.path("run/model.safetensors").exists())
        self.assertLessEqual(len(list(self.box.path("run/checkpoints").iterdir())), 2)
        self.check_resumed("run")

    def test_an_interrupted_run_goes_on_as_if_nothing_had_been(self):
        process = self.start_and_hold("run")
        process.send_signal(signal.SIGINT)
        output, errors = self.finish(process)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("To go on: lapel train --resume run\n", output)
        self.check_resumed("run")


class LrFindTest(ProgramTest):
    def test_text_and_json_agree(self):
        found = self.json("lr-find", "tiny.toml")
        self.assertEqual(found["name"], "tiny")
        self.assertLessEqual(len(found["points"]), 100)
        text = self.lapel("lr-find", "tiny.toml", "--plot", "lr.svg")
        self.assertIn(f"Suggestions: {found['steepest']:.2e} where", text)
        self.assertIn("</svg>", self.box.path("lr.svg").read_text())


class UseTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.train("run", "--set", "train.epochs=10")

    def test_evaluate_agrees_with_the_training(self):
        metrics = json.loads(self.box.path("run/metrics.json").read_text())
        evaluation = self.json("evaluate", "run")
        self.assertAlmostEqual(evaluation["accuracy"], metrics["test"]["accuracy"], places=6)
        self.assertAlmostEqual(evaluation["loss"], metrics["test"]["loss"], places=5)
        text = self.lapel("evaluate", "run")
        for word in ("precision", "recall", "f1-score", "support", "macro avg", "+===", *CLASSES):
            self.assertIn(word, text)

    def test_the_model_file_alone_is_enough(self):
        self.box.path("run/model.safetensors").rename(self.box.path("alone.safetensors"))
        self.box.path("elsewhere").mkdir()
        self.box.folder = self.box.path("elsewhere")
        self.assertEqual(len(self.json("evaluate", "../alone.safetensors", "--data", "../data")["confusion_matrix"]), 3)

    def test_evaluate_each_part(self):
        for part, samples in (("train", 81), ("validation", 9)):
            self.assertEqual(self.json("evaluate", "run", "--split", part)["samples"], samples, part)

    def test_predict_a_picture(self):
        for label, name in enumerate(CLASSES):
            self.box.picture(f"{name}.png", label)
        rows = self.json("predict", "run", *(f"{name}.png" for name in CLASSES), "--top", "2")
        self.assertEqual([row["input"] for row in rows], [f"{name}.png" for name in CLASSES])
        self.assertEqual([row["predictions"][0]["name"] for row in rows], CLASSES)
        self.assertTrue(all(len(row["predictions"]) == 2 for row in rows))
        text = self.lapel("predict", "run", "left.png")
        self.assertIn("left.png", text)

    def test_predict_a_picture_of_another_size(self):
        self.box.picture("large.png", 2, side=60)
        self.assertEqual(self.json("predict", "run", "large.png")[0]["predictions"][0]["name"], "right")

    def test_predict_rows(self):
        labels = self.box.path("data/t10k-labels-idx1-ubyte").read_bytes()[8:]
        rows = self.json("predict", "run", "--index", "0", "7", "29", "--top", "10")
        self.assertEqual([row["input"] for row in rows], ["test[0]", "test[7]", "test[29]"])
        self.assertEqual([row["actual"] for row in rows], [CLASSES[labels[i]] for i in (0, 7, 29)])
        for row in rows:
            self.assertAlmostEqual(sum(c["probability"] for c in row["predictions"]), 1, places=5)

    def test_summary_of_recipe_run_and_model_agree(self):
        of_recipe = self.lapel("summary", "tiny.toml")
        self.assertIn("Total params: 2,371", of_recipe)
        self.assertEqual(of_recipe, self.lapel("summary", "run"))
        self.assertEqual(of_recipe, self.lapel("summary", "run/model.safetensors"))
        self.json("summary", "run")

    def test_data_describe(self):
        text = self.lapel("data", "describe", "data")
        self.assertIn("+===", text)
        description = self.json("data", "describe", "data")
        self.assertEqual({name: split["shape"] for name, split in description["splits"].items()},
                         {"train": [90, 12, 12, 1], "test": [30, 12, 12, 1]})


class HelpTest(ProgramTest):
    def test_every_command_has_help(self):
        top = self.lapel("--help")
        for command in COMMANDS:
            self.assertRegex(top, rf"(?m)^  {command} ")
            text = self.lapel(*command.split(), "--help")
            self.assertEqual(text, self.lapel(*command.split(), "-h"))
            self.assertTrue(text.startswith(f"Usage: lapel {command}"), text)
            self.assertTrue(all(len(line) <= 100 for line in text.splitlines()), text)

    def test_help_of_train_names_every_option_of_a_written_recipe(self):
        self.train()
        text = self.lapel("train", "--help")
        keys = re.findall(r"(?m)^(\w+) = ", self.box.path("run/recipe.toml").read_text())
        self.assertGreater(len(keys), 10)
        for key in keys:
            self.assertRegex(text, rf"(?m)^  {key}\b")

    def test_version(self):
        self.assertRegex(self.lapel("--version"), r"^lapel \d+\.\d+\.\d+\n$")

    def test_a_recipe_written_out_is_the_same_recipe(self):
        self.box.recipe("written.toml", self.lapel("recipes", "tiny.toml"))
        self.assertEqual(self.lapel("recipes", "written.toml"), self.lapel("recipes", "tiny.toml"))
        self.assertIn("[[layers]]\ntype = \"Dense\"\nname = \"dense\"\nunits = 16\n", self.lapel("recipes", "tiny.toml"))
        minute = self.lapel("recipes", "minute")
        self.assertNotIn("[blocks", minute)
        self.assertEqual(minute.count("[[layers]]"), 30)
        self.box.recipe("longer.toml", "extends = \"minute\"\n[train]\ntime_budget = \"5min\"\n")
        self.assertIn("time_budget = \"5min\"\n", self.lapel("recipes", "longer.toml"))

    def test_recipes_a_line_each(self):
        lines = self.lapel("recipes").splitlines()
        shipped = sorted(p.stem for p in (SOURCE / "recipes").glob("*.toml"))
        self.assertEqual([line.split()[0] for line in lines], shipped)

    def test_a_reader_that_leaves_is_no_error(self):
        process = self.box.start("train", "--help")
        process.stdout.close()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()


if __name__ == "__main__":
    unittest.main()
