#!/usr/bin/env python3
"""`lapel bench`, and how the program starts, from outside, on small data. No test depends on a time.

usage: test_bench.py LAPEL [unittest options]
"""

import json
import pathlib
import sys
import tempfile
import unittest

from sandbox import SIDE, TINY_RECIPE, Sandbox

LAPEL = sys.argv.pop(1) if len(sys.argv) > 1 else "lapel"
WEIGHTS = SIDE * SIDE * 16 + 16 + 16 * 3 + 3


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lapel-bench-")
        self.addCleanup(folder.cleanup)
        self.box = Sandbox(LAPEL, folder.name)
        self.box.data()
        self.box.recipe()

    def lapel(self, *words):
        result = self.box.run(*words)
        self.assertEqual((result.code, result.stderr), (0, ""))
        return result.stdout


class BenchTest(Case):
    def test_whole_steps_as_one_document(self):
        found = json.loads(self.lapel("bench", "tiny.toml", "--only", "step", "--steps", "30", "--batch", "8", "--json"))
        expected = {"recipe": "tiny", "mode": "train", "batch": 8, "precision": "float32", "threads": 1, "steps": 30,
                    "parameters": WEIGHTS, "flop": 2 * 8 * (2 * SIDE * SIDE * 16 + 3 * 16 * 3)}
        self.assertEqual({key: found[key] for key in expected}, expected)
        times = found["ms"]
        self.assertTrue(0 < times["min"] <= times["q1"] <= times["median"] <= times["q3"], times)
        self.assertGreater(found["gflops"], 0)
        self.assertEqual(set(found["versions"]), {"lapel", "onednn"})
        self.assertTrue(found["cpu"] and found["isa"])
        self.assertGreater(found["load_seconds"], 0)
        self.assertGreaterEqual(found["memory"]["parameters"], 4 * WEIGHTS)
        self.assertGreater(found["memory"]["peak"], found["memory"]["program"])
        self.assertNotIn("parts", found)

    def test_an_epoch_of_one_batch(self):
        found = json.loads(self.lapel("bench", "tiny.toml", "--only", "step", "--batch", "1000", "--json"))
        self.assertEqual(found["batch"], 81)
        self.assertGreaterEqual(found["steps"], 20)

    def test_predictions(self):
        found = json.loads(self.lapel("bench", "tiny.toml", "--only", "step", "--mode", "predict", "--batch", "1", "--json"))
        self.assertEqual((found["mode"], found["batch"]), ("predict", 1))
        self.assertEqual(found["flop"], 2 * (SIDE * SIDE * 16 + 16 * 3))
        self.assertEqual(found["memory"]["gradients"] + found["memory"]["optimizer_state"], 0)

    def test_predictions_with_a_normalization_folded(self):
        self.box.recipe("normed.toml", TINY_RECIPE.replace(
            'activation = "relu"\n', '[[layers]]\ntype = "BatchNormalization"\n[[layers]]\ntype = "Activation"\nactivation = "relu"\n'))
        words = ["bench", "normed.toml", "--only", "step", "--batch", "1", "--json"]
        found = json.loads(self.lapel(*words, "--mode", "predict"))
        self.assertEqual((found["parameters"], found["folded_parameters"]), (WEIGHTS, 4 * 16))
        trained = json.loads(self.lapel(*words))
        self.assertEqual((trained["parameters"], trained["folded_parameters"]), (WEIGHTS + 4 * 16, 0))

    def test_begins_with_the_weights_of_a_run(self):
        self.box.recipe("normed.toml", TINY_RECIPE.replace(
            'activation = "relu"\n', '[[layers]]\ntype = "BatchNormalization"\n[[layers]]\ntype = "Activation"\nactivation = "relu"\n'))
        self.lapel("train", "normed.toml", "--out", "run", "--set", "train.epochs=1")
        words = ["--only", "step", "--steps", "20", "--json", "--init", "run/model.safetensors"]
        for mode in ("train", "predict"):
            found = json.loads(self.lapel("bench", "normed.toml", "--mode", mode, *words))
            self.assertEqual((found["mode"], found["steps"]), (mode, 20))
        result = self.box.run("bench", "tiny.toml", *words)
        self.assertEqual(result.code, 1)
        self.assertIn("run/model.safetensors: tensor 'batch_normalization/beta' belongs to no layer", result.stderr)
        # Weights that are not numbers are refused before the first step.
        content = self.box.path("run/model.safetensors").read_bytes()
        size = 8 + int.from_bytes(content[:8], "little")
        self.box.path("nan.safetensors").write_bytes(content[:size] + b"\xff" * (len(content) - size))
        result = self.box.run("bench", "normed.toml", *words[:-1], "nan.safetensors")
        self.assertEqual(result.code, 1)
        self.assertIn("nan.safetensors: tensor 'dense/kernel' has a number that is not finite", result.stderr)

    def test_weights_are_of_no_use_to_the_machine(self):
        result = self.box.run("bench", "tiny.toml", "--only", "machine", "--init", "run/model.safetensors")
        self.assertEqual(result.code, 2)
        self.assertIn("--init gives weights to a model, --only machine measures none", result.stderr)

    def test_parts_and_their_trace(self):
        text = self.lapel("bench", "tiny.toml", "--steps", "30", "--trace", "trace.json")
        for words in ("One training step of 16 pictures: ", "Limits of the machine: float32 ", "| part ",
                      "The whole step is at "):
            self.assertIn(words, text)
        events = json.loads(self.box.path("trace.json").read_text())
        lanes = {event["args"]["name"]: event["tid"] for event in events if event["ph"] == "M"}
        self.assertEqual(lanes, {"steps": 1, "parts of a step": 2})
        steps = [event for event in events if event["ph"] == "X" and event["tid"] == 1]
        parts = [event for event in events if event["ph"] == "X" and event["tid"] == 2]
        self.assertEqual(len(steps), 20)
        self.assertIn("dense (dense) forward", {event["name"] for event in parts})
        # Parts follow each other within their step.
        for before, after in zip(parts, parts[1:]):
            self.assertLessEqual(before["ts"] + before["dur"], after["ts"] + 0.01)
        self.assertLessEqual(steps[0]["ts"], parts[0]["ts"])
        self.assertLessEqual(parts[-1]["ts"] + parts[-1]["dur"], steps[-1]["ts"] + steps[-1]["dur"] + 0.01)

    def test_the_instruction_set_can_be_limited(self):
        self.box.environment["LAPEL_ISA"] = "avx2"
        found = json.loads(self.lapel("bench", "tiny.toml", "--only", "step", "--steps", "20", "--json", "--set",
                                      "train.precision=auto"))
        self.assertNotIn("avx512", found["isa"])
        self.assertEqual(found["precision"], "float32")


class WaitingThreadsTest(Case):
    """OpenMP's threads give their core away soon: GOMP_SPINCOUNT is in the environment that OpenMP saw."""

    def environment_of_a_training(self):
        process = self.box.start("train", "tiny.toml", "--out", "run", "--set", "train.epochs=1000000")
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        # Once it has printed, it has been started for good: the same process, under the name that was typed.
        self.assertTrue(process.stdout.readline())
        place = pathlib.Path("/proc") / str(process.pid)
        self.assertEqual((place / "cmdline").read_bytes().split(b"\0")[0], self.box.lapel.encode())
        self.assertEqual((place / "comm").read_text().strip(), "lapel")
        words = (place / "environ").read_bytes().decode().split("\0")
        return dict(word.split("=", 1) for word in words if "=" in word)

    def setUp(self):
        super().setUp()
        for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
            self.box.environment.pop(name, None)

    def test_is_set_where_it_is_not(self):
        self.assertEqual(self.environment_of_a_training()["GOMP_SPINCOUNT"], "10000")

    def test_what_the_caller_set_stays(self):
        self.box.environment["GOMP_SPINCOUNT"] = "77"
        self.assertEqual(self.environment_of_a_training()["GOMP_SPINCOUNT"], "77")

    def test_a_policy_of_the_caller_stays(self):
        self.box.environment["OMP_WAIT_POLICY"] = "passive"
        self.assertNotIn("GOMP_SPINCOUNT", self.environment_of_a_training())

    def test_code_and_streams_are_those_of_the_program(self):
        self.assertIn("default", self.lapel("recipes"))
        result = self.box.run("train", "nowhere.toml")
        self.assertEqual(result.code, 2)
        self.assertIn("nowhere.toml", result.stderr)


if __name__ == "__main__":
    unittest.main()
