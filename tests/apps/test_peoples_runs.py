#!/usr/bin/env python3
"""Runs on people's own pictures.

usage: test_peoples_runs.py LAPEL [unittest options]
"""

import csv
import json
import os
import sys
import unittest

from people import NET, SIDE, PeoplesData, shape
from sandbox import SOURCE, png

if len(sys.argv) > 1:
    PeoplesData.program = sys.argv.pop(1)


class PeoplesRuns(PeoplesData):
    def test_two_trainings_at_once_take_two_folders(self):
        self.folders("data", 8)
        self.put("net.toml", NET)
        started = [self.box.start("train", "net.toml", "--plot-format", "none") for _ in range(3)]
        for process in started:
            self.assertEqual(process.communicate()[1], b"")
            self.assertEqual(process.returncode, 0)
        self.assertEqual(sorted(p.name for p in self.box.path("runs").iterdir()), ["net", "net-2", "net-3"])

    def test_a_second_resume_is_refused(self):
        self.folders("data", 8)
        self.put("net.toml", NET)
        folder = self.box.path("run")
        folder.mkdir()
        # Held as a training holds it.
        import fcntl
        with open(folder / ".lock", "w") as lock:
            lock.write("4711")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "recipe.toml").write_text(NET)
            words = self.refused("train", "--resume", "run", code=2)
            self.assertIn("another process trains in this folder", words)
            self.assertIn("process  4711", words)

    def test_an_empty_folder_of_the_users_stays(self):
        self.folders("data", 8)
        self.put("net.toml", NET)
        self.box.path("mine").mkdir()
        train = ("train", "net.toml", "--plot-format", "none", "--set",
                 'train.optimizer={ type = "SGD", learning_rate = 1e38 }', "--out")
        self.assertIn("the loss became", self.refused(*train, "mine"))
        self.assertEqual(list(self.box.path("mine").iterdir()), [])
        self.refused(*train, "made")
        self.assertFalse(self.box.path("made").exists())

    def test_the_largest_class_alone(self):
        for kind, count in (("bar", 60), ("disc", 8)):
            for i in range(count):
                self.put(f"data/{kind}/{kind}{i}.png", png(SIDE, shape(kind, i % 30)))
                self.put(f"alike/{kind}/{kind}{i}.png", png(SIDE, shape("bar", i % 30)))
        words = "warning: the largest class alone explains this accuracy: it has 90.00% of the pictures"
        self.assertIn(words, self.train("alike", "--set", "train.epochs=3"))
        self.assertIn(words, self.lapel("evaluate", "run"))
        said = self.train("data", "--set", "train.class_weight=balanced", run="balanced")
        self.assertIn("the loss of a class's training pictures counts 0.569 (bar) to 4.14 (disc) times", said)
        self.assertNotIn("the largest class", said)
        self.assertEqual(self.metrics("balanced")["balanced_accuracy"], 1)

    def test_more_epochs_on_a_finished_run(self):
        self.folders("data", 8)
        self.train("data", "--set", "train.epochs=3")
        self.assertIn("lapel train --continue", self.refused("train", "--resume", "run", code=2))
        self.lapel("train", "--continue", "run", "--set", "train.epochs=+4", "--out", "more", "--plot-format", "none")
        self.assertEqual(self.metrics("more")["epochs"], 4)
        first = self.box.path("run/history.csv").read_text().split("\n")[-2].split(",")
        then = self.box.path("more/history.csv").read_text().split("\n")[1].split(",")
        self.assertLess(float(then[2]), float(first[2]))
        self.lapel("train", "--continue", "run", "--set", "train.epochs=5", "--out", "in-all", "--plot-format", "none")
        self.assertEqual(self.metrics("in-all")["epochs"], 2)
        self.refused("train", "--continue", "run", "--set", "train.epochs=3", code=2)
        self.refused("train", "--continue", "run", code=2)

    def test_interrupted_while_pictures_are_read(self):
        self.folders("data/train", 1)
        # A pipe that nobody writes to: reading waits, as from a slow disk.
        import signal
        import time
        source = self.box.path("data/train/bar/bar0.png")
        for i in range(3000):
            os.link(source, source.with_name(f"x{i}.png"))
        self.put("net.toml", NET)
        process = self.box.start("train", "net.toml", "--out", "run", "--plot-format", "none", "--set",
                                 "data.image_size=[200,200]")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
        self.assertEqual(process.returncode, 130, stderr)
        self.assertIn(b"interrupted", stderr)
        self.assertFalse(self.box.path("run").exists())

    def test_compare_of_seeds(self):
        self.folders("data", 12)
        for seed in (1, 2):
            self.train("data", "--set", f"train.seed={seed}", "--set", "data.validation=stratified 20%", run=f"run{seed}")
        self.train("data", "--set", "train.batch_size=4", run="other")
        runs = ("run1", "run2", "other")
        text = self.lapel("compare", *runs)
        self.assertIn("net, 2 seeds", text)
        self.assertIn("validation)", text)
        compared = json.loads(self.lapel("compare", *runs, "--json"))
        self.assertEqual([one["seed"] for one in compared["runs"]], [1, 2, 1])
        self.assertEqual(len(compared["means"]), 1)
        accuracies = [one["test_accuracy"] for one in compared["runs"][:2]]
        self.assertAlmostEqual(compared["means"][0]["test_accuracy"]["mean"], sum(accuracies) / 2)
        rows = list(csv.DictReader(self.lapel("compare", *runs, "--csv").splitlines()))
        self.assertEqual([float(row["parameters"]) for row in rows], [one["parameters"] for one in compared["runs"]])
        self.lapel("compare", *runs, "--html", "runs.html")
        self.assertIn("<td>run1</td>", self.box.path("runs.html").read_text())

    def test_mirroring_is_measured(self):
        def arrow(to_the_right, shift):
            def inside(x, y):
                x = x if to_the_right else SIDE - 1 - x
                return y == 3 and x > 0 or abs(y - 3) == 7 - x and x > 4
            return [230 - shift if inside(x, y) else 10 + shift for y in range(SIDE) for x in range(SIDE)]

        def box(tall, shift):
            def inside(x, y):
                return 3 <= (y if tall else x) <= 4 and 1 <= (x if tall else y) <= 6
            return [230 - shift if inside(x, y) else 10 + shift for y in range(SIDE) for x in range(SIDE)]

        for i in range(40):
            for side in (True, False):
                self.put(f"arrows/{'right' if side else 'left'}/{2 * i + side}.png", png(SIDE, arrow(side, i)))
                self.put(f"boxes/{'tall' if side else 'wide'}/{2 * i + side}.png", png(SIDE, box(side, i)))
        for data, mirrored in (("arrows", False), ("boxes", True)):
            said = self.lapel("train", "--data", data, "--set", "train.epochs=2", "--out", data + "-run",
                              "--plot-format", "none")
            expected = "mirrored pictures are trained on as well" if mirrored else "pictures are not mirrored"
            self.assertIn(expected, said)
            recipe = self.box.path(f"{data}-run/recipe.toml").read_text()
            self.assertEqual("RandomFlip" in recipe, mirrored)
            self.assertEqual(self.metrics(f"{data}-run")["test_time_augmentation"], "flip+shift" if mirrored else "none")
            self.assertIn(expected, self.box.path(f"{data}-run/report.txt").read_text())

    def test_every_recipe_trains_on_nine_classes(self):
        for i in range(9):
            for j in range(6):
                pixels = [250 if (x + y * 28) // 88 == i else 5 * j for y in range(28) for x in range(28)]
                self.put(f"data/class {i}/{j * 9 + i}.png", png(28, pixels))
        for file in sorted((SOURCE / "recipes").glob("*.toml")):
            with self.subTest(file.stem):
                self.lapel("train", file.stem, "--data", "data", "--out", f"run-{file.stem}", "--plot-format", "none",
                           "--set", "train.epochs=1", "--set", "data.validation=20%", "--set", "train.ensemble=1",
                           "--set", "train.mirroring=keep")
                self.assertEqual(len(json.loads(self.lapel("evaluate", f"run-{file.stem}", "--json"))["classes"]), 9)


if __name__ == "__main__":
    unittest.main()
