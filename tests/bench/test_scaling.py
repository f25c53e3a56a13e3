#!/usr/bin/env python3
"""What bench/scaling calls growth, with made-up times."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
FILE = pathlib.Path(__file__).resolve().parents[2] / "bench" / "scaling"
sys.path.insert(0, str(FILE.parent))
LOADER = importlib.machinery.SourceFileLoader("scaling", str(FILE))
scaling = importlib.util.module_from_spec(importlib.util.spec_from_loader("scaling", LOADER))
LOADER.exec_module(scaling)


def measured(ms, parameters=1000):
    """Of widths 32, 64 and batches 1, 2, 4 on one thread; `ms` by (width, batch)."""
    made = scaling.Measured([1, 2, 4], [32, 64], [1])
    made.machines = {1: {"bandwidth": [{"bytes": 1e6, "gigabytes_per_second": 100}, {"bytes": 4e6, "gigabytes_per_second": 50}]}}
    for (width, batch), time in ms.items():
        made.ms[1, width, batch] = time
        made.documents[1, width, batch] = {"flop": 1000 * width * batch, "parameters": parameters * width,
                                                  "memory": {"activations": 0}}
    return made


class FakeLapel:
    """Answers with the times of `ms`, by (width, batch)."""

    def __init__(self, ms):
        self.ms, self.asked = ms, []

    def step(self, batch, width, _threads):
        self.asked.append((width, batch))
        return {"ms": {"median": self.ms[width, batch]}}

    def machine(self, _threads):
        return measured({}).machines[1]


EVEN = {(32, 1): 1.0, (32, 2): 1.5, (32, 4): 3.0, (64, 1): 1.5, (64, 2): 2.8, (64, 4): 5.6}


class Growth(unittest.TestCase):
    def test_no_faster_than_the_work(self):
        text, fine = scaling.judge(measured(EVEN), 1.25)
        self.assertTrue(fine)
        self.assertIn("Verdict: time grows no faster than the work.", text)

    def test_a_picture_that_takes_longer_in_a_larger_batch(self):
        text, fine = scaling.judge(measured(EVEN | {(32, 4): 3.9}), 1.25)
        self.assertFalse(fine)
        self.assertIn("| 1 | width 32, batch 4 | width 32, batch 2 | 1.30 | 1.30 | NOT EXPLAINED |", text)
        self.assertIn("Verdict: time grows faster than the work somewhere", text)

    def test_many_small_rises_are_one_large_one(self):
        # A fifth more each time, within the tolerance of its neighbour.
        text, fine = scaling.judge(measured(EVEN | {(32, 1): 1.0, (32, 2): 2.4, (32, 4): 5.76}), 1.25)
        self.assertFalse(fine)
        self.assertIn("| 1 | width 32, batch 4 | width 32, batch 1 | 1.44 | 1.44 |", text)

    def test_weights_that_outgrow_a_cache(self):
        # 64 x 1000 x 28 bytes = 1.79 MB, at 79 GB/s: 0.0227 ms.
        times = {(32, 1): 0.008, (32, 2): 0.015, (32, 4): 0.028, (64, 1): 0.024, (64, 2): 0.029, (64, 4): 0.05}
        text, fine = scaling.judge(measured(times), 1.25)
        self.assertTrue(fine)
        self.assertIn("| 1 | width 64, batch 1 | width 32, batch 1 | 1.50 | 1.50 | memory: 1.8 MB take 95% of the step |", text)
        self.assertIn("but where what a step moves outgrows a cache", text)

    def test_memory_does_not_explain_everything(self):
        # As above, but the rise of a third of 0.108 ms is more than the 0.0227 ms of memory.
        times = {(32, 1): 0.036, (32, 2): 0.07, (32, 4): 0.136, (64, 1): 0.108, (64, 2): 0.138, (64, 4): 0.26}
        self.assertFalse(scaling.judge(measured(times), 1.25)[1])

    def test_a_slower_minute(self):
        # In turns a picture takes no longer, whose minute was slower; and where it does, that counts.
        for of_key, fine, text in ((2.9, True, "1.30 | 0.97 | a slower minute: not in turns |"),
                                   (3.8, False, "1.30 | 1.27 | NOT EXPLAINED |")):
            lapel = FakeLapel({(32, 2): 1.5, (32, 4): of_key})
            made = measured(EVEN | {(32, 4): 3.9})
            made.run_again(lapel, 1.25, 3)
            self.assertEqual(lapel.asked, [(32, 2), (32, 4)] * 3)
            found, verdict = scaling.judge(made, 1.25)
            self.assertIn("| 1 | width 32, batch 4 | width 32, batch 2 | " + text, found)
            self.assertEqual(verdict, fine)

    def test_bandwidth_between_two_sizes(self):
        machine = measured(EVEN).machines[1]
        self.assertAlmostEqual(scaling.bandwidth(machine, 2e6) / 1e9, 75)
        self.assertAlmostEqual(scaling.bandwidth(machine, 1e5) / 1e9, 100)
        self.assertAlmostEqual(scaling.bandwidth(machine, 1e9) / 1e9, 50)


if __name__ == "__main__":
    unittest.main()
