#!/usr/bin/env python3
"""bench/time_budget with times that are made up."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


def load_command():
    sys.path.insert(0, str(BENCH))
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("time_budget", str(BENCH / "time_budget"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("time_budget", loader))
    loader.exec_module(module)
    return module


class TimeBudget(unittest.TestCase):
    def run_it(self, seconds, *words):
        """(what it printed, what it ended with)."""
        command = load_command()
        left = list(seconds)
        command.run_seconds = lambda args, plots: left.pop(0)
        out, ended = io.StringIO(), None
        before, sys.argv = sys.argv, ["time_budget", *words]
        try:
            with contextlib.redirect_stdout(out):
                command.main()
        except SystemExit as exit_:
            ended = exit_.code
        finally:
            sys.argv = before
        self.assertEqual(left, [])
        return out.getvalue(), ended

    def test_every_row_has_its_worst_run(self):
        text, ended = self.run_it([60.6, 59.4, 61.2, 60.0], "--budget", "1min", "--processes", "1", "--runs", "2")
        self.assertIn("| 1 | yes | 2 | 59.40 to 60.60 | ", text)
        self.assertIn("| 1 | no | 2 | 60.00 to 61.20 | +2.0% |", text)
        self.assertIsNone(ended)

    def test_a_run_that_is_off_is_a_failure(self):
        text, ended = self.run_it([10.0, 9.69], "--processes", "0", "--runs", "1")
        self.assertIn("| 0 | no | 1 | 9.69 to 9.69 | -3.1% |", text)
        self.assertEqual(ended, "error: a run was off by 3.1%, more than 3%")

    def test_sizes_and_refusals(self):
        command = load_command()
        runs = iter([(60.6, 9000), (59.4, 8000), (60, 5000), (57, 400), (61, 90), (3.2, None), (59, 4), (8, None)])
        command.run_of_size = lambda args, side, test_pictures: next(runs)
        text, latest = command.sizes(None, 60)
        self.assertIn("| 28 x 28 | 3 | 9,000 | 60.60 | +1.0% |", text)
        self.assertIn("| 224 x 224 | 10,000 | refused | 3.20 | - |", text)
        self.assertAlmostEqual(latest, 1 / 60)

    def test_a_budget_without_a_unit(self):
        self.assertEqual(self.run_it([], "--budget", "10"), ("", "error: --budget 10: a number with s, min or h"))


if __name__ == "__main__":
    unittest.main()
