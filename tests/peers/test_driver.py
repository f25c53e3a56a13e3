"""Tests of what bench/peers/compare is made of, without any peer. Standard library only; skipped before Python 3.11."""

import contextlib
import copy
import io
import json
import pathlib
import sys
import tempfile
import unittest

if sys.version_info < (3, 11):
    print("skipped: bench/peers/compare needs Python 3.11")
    sys.exit(77)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))

from driver import chart, check, machine, page, ratios, recipe, results, rounds, rows, tables, workers  # noqa: E402

ROUNDS = {
    "lapel/float32": [0.0010, 0.0011, 0.0010],
    "lapel/bfloat16": [0.0005, 0.0005, 0.0004],
    "keras/fit": [0.0120, 0.0110, 0.0130],
    "torch/eager": [0.0040, 0.0044, 0.0042],
    "torch/channels-last-bf16": [0.0030, 0.0033, 0.0029],
    "jax/step": [0.0100, 0.0100, 0.0100],
}
MEMORY = {"peak": 250e6, "ratio": 1.25}
NUMBERS = {
    "machine": {"cpu": "A CPU", "bf16": True, "threads": 2, "system": "An OS", "python": "3.11.2", "date": "2026-01-02"},
    "protocol": {"rounds": 3, "seconds": 0.4, "least_steps": 4},
    "versions": {"torch": "2.15.0", "keras": "3.15.1"},
    "train": {"cnn": {"batch": 64, "rounds": ROUNDS, "tried": {name: values[0] for name, values in ROUNDS.items()},
                      "failed": {"jax/scan-bf16": "jax/scan-bf16 gave no answer"},
                      "peak_bytes": {"keras/fit": 1.5e9, "torch/eager": 9e8, "jax/step": 6e8},
                      "lapel": {"lapel/float32": {"memory": MEMORY}}}},
    "use": {"cnn": {"1": {"batch": 1, "rounds": {"lapel/float32": [2e-5, 2e-5, 2e-5], "onnx/run": [3e-5, 4e-5, 5e-5],
                                                 "onnx/bound": [2.5e-5, 2.5e-5, 2.5e-5]}}}},
    "answers": {"rounds": {"lapel": [0.02, 0.03, 0.025], "keras": [5.0, 5.5, 5.2]}},
    "loading": {"rounds": {"lapel": [0.1, 0.1, 0.1], "numpy": [0.5, 0.5, 0.6]}},
}


class Ratios(unittest.TestCase):
    def test_ratio_is_taken_round_by_round(self):
        among = ratios.ratio([4.0, 10.0, 6.0], [2.0, 2.0, 3.0])
        self.assertEqual((among.median, among.low, among.high), (2.0, 2.0, 5.0))

    def test_rounds_of_different_number_are_refused(self):
        with self.assertRaisesRegex(ValueError, "^2 rounds cannot be compared with 3$"):
            ratios.ratio([1, 2], [1, 2, 3])

    def test_the_fastest_is_by_median_not_by_luck(self):
        self.assertEqual(ratios.fastest({"a": [1, 9, 9], "b": [4, 4, 4]}), "b")
        self.assertIsNone(ratios.fastest({}))

    def test_best_mode_of_a_peer_in_one_precision(self):
        self.assertEqual(ratios.best_of(ROUNDS, "torch", False)[0], "torch/eager")
        self.assertEqual(ratios.best_of(ROUNDS, "torch", True)[0], "torch/channels-last-bf16")
        self.assertIsNone(ratios.best_of(ROUNDS, "keras", True))

    def test_modes_worth_measuring(self):
        tried = {"torch/a": 1.0, "torch/b": 1.1, "torch/c": 1.05, "torch/d": 1.3, "torch/e-bf16": 2.0, "jax/a": 9.0}
        self.assertEqual(ratios.worth_measuring(tried), ["torch/a", "torch/c", "torch/e-bf16", "jax/a"])
        self.assertEqual(ratios.worth_measuring({"jax/a": 1.0, "jax/b": 1.2}), ["jax/a"])


class Recipes(unittest.TestCase):
    def test_rows_have_the_models_they_are_named_for(self):
        parameters = {name: row.read().parameters for name, row in rows.ROWS.items()}
        self.assertEqual(parameters, {"mlp-512": 407050, "cnn-5408": 29306282, "dense-on-pixels": 3213802,
                                      "cnn": 225034, "mlp-300-100": 266610, "residual": 463584})
        self.assertEqual(rows.ROWS["residual"].read().macs, 58029824)

    def test_first_layer_needs_no_gradient_of_its_input(self):
        self.assertEqual(rows.ROWS["mlp-512"].read().train_flop, 2 * (2 * 784 * 512 + 3 * 512 * 10))

    def test_unknown_layer(self):
        with self.assertRaisesRegex(ValueError, "^the peers know no layer 'LSTM'; they know Activation, Add, "):
            recipe.make_layers([{"type": "LSTM"}])

    def test_every_row_is_tried_in_every_precision_by_every_peer(self):
        for row in rows.ROWS.values():
            modes = rows.train_modes(row, list(rows.TRAIN_MODES))
            kinds = {(peer, ratios.is_bf16(mode)) for peer, mode in modes}
            self.assertEqual(len(kinds), 6, row.name)
            self.assertEqual(len(modes), len(set(modes)), row.name)


class Tables(unittest.TestCase):
    def test_numbers_keep_three_digits(self):
        self.assertEqual([tables.number(value) for value in (0.0831, 1.349, 12.44, 257.6, 50666.4)],
                         ["0.083", "1.35", "12.4", "258", "50,666"])

    def test_training_table(self):
        self.assertEqual(tables.training_table(NUMBERS), [
            "| row           | Keras | Keras bf16 | PyTorch | PyTorch bf16 |  JAX | JAX bf16 | Lapel |"
            "            ratio |   reach | Lapel bf16 |            ratio |  reach |",
            "|---------------|------:|-----------:|--------:|-------------:|-----:|---------:|------:|"
            "-----------------:|--------:|-----------:|-----------------:|-------:|",
            "| cnn, batch 64 |  12.0 |          - |    4.20 |         3.00 | 10.0 |        - |  1.00 |"
            " 3.00 (2.90-3.00) | 2.7 met |      0.500 | 6.60 (6.00-7.25) | 7 open |",
        ])

    def test_use_table_takes_the_fastest_mode(self):
        line = tables.use_table(NUMBERS)[2]
        self.assertIn("| bound |", line)
        self.assertIn("1.25 (1.25-1.25) | 1 met", line)

    def test_a_row_without_peers_or_without_lapel_has_gaps(self):
        numbers = copy.deepcopy(NUMBERS)
        numbers["train"]["cnn"]["rounds"] = {"lapel/float32": [0.001]}
        self.assertIn(" 1.00 |     - |   2.7 |", tables.training_table(numbers)[2])
        numbers["train"]["cnn"]["rounds"] = {"torch/eager": [0.001]}
        self.assertEqual(tables.training_table(numbers)[2].count(" - |"), 9)

    def test_every_table_is_rectangular(self):
        for title, lines in tables.sections(NUMBERS):
            self.assertEqual(len({len(line) for line in lines}), 1, title)
            self.assertEqual(len({line.count("|") for line in lines}), 1, title)
        self.assertEqual(len(tables.sections(NUMBERS)), len(tables.SECTIONS))

    def test_void_column_is_explained(self):
        numbers = copy.deepcopy(NUMBERS)
        self.assertNotIn("void", tables.machine_lines(numbers)[0])
        numbers["machine"]["bf16"] = False
        self.assertIn("the bf16 columns are void", tables.machine_lines(numbers)[0])


class Pages(unittest.TestCase):
    def test_only_what_is_between_the_marks_changes(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "page.md"
            marks = [f"<!-- {page.COMMAND}: {end} -->\n" for end in ("begin", "end")]
            file.write_text(f"by hand\n{marks[0]}old\n{marks[1]}by hand too\n")
            page.write(file, "new \\1\n")
            self.assertEqual(file.read_text(), f"by hand\n{marks[0]}new \\1\n\nWritten by `{page.COMMAND}`.\n{marks[1]}by hand too\n")
            file.write_text("no marks")
            with self.assertRaisesRegex(SystemExit, "^error: .* are wanted, once each$"):
                page.write(file, "text")

    def test_the_documents_can_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("docs/performance.md", page.generated(NUMBERS, "performance.png")), ("README.md", page.short(NUMBERS))):
                file = pathlib.Path(folder) / "page.md"
                file.write_text((rows.ROOT / name).read_text())
                page.write(file, text)
                self.assertIn("| cnn, batch 64 ", file.read_text())

    def test_short_table(self):
        self.assertEqual(tables.short_table(NUMBERS)[2], "| cnn, batch 64       |  12.0 |    3.00 | 10.0 | 0.500 | 6.60 (6.00-7.25) |")

    def test_chart_has_a_bar_for_each_and_the_reach(self):
        script = chart.script(NUMBERS, "out.png")
        self.assertIn("set xtics ('cnn' 0)", script)
        self.assertIn("0.160 3.0000 2.9000 3.0000", script)
        self.assertIn("0.080 2.7 0.16 0", script)


class Protocols(unittest.TestCase):
    def test_steps_of_a_round(self):
        protocol = rounds.Protocol(5, 0.4, 4)
        self.assertEqual([protocol.steps(seconds) for seconds in (0.00026, 0.0118, 0.07, 0.6)], [1600, 34, 6, 4])

    def test_turns_are_taken_in_order(self):
        taken = []

        class Runner:
            def __init__(self, name):
                self.name = name

            def run(self, steps):
                taken.append((self.name, steps))
                return 0.1

        measured, busiest = rounds.take_turns([Runner("a"), Runner("b")], {"a": 3, "b": 5}, rounds.Protocol(2, 0.1, 1))
        self.assertEqual(taken, [("a", 3), ("b", 5)] * 2)
        self.assertEqual(measured, {"a": [0.1, 0.1], "b": [0.1, 0.1]})
        self.assertEqual(busiest, 0)

    def test_screening_keeps_what_can_be_the_fastest(self):
        times = {"torch/a": 0.2, "torch/b": 0.1, "torch/c": 0.105, "jax/a": 9.0, "jax/broken": None}
        closed = []

        class Trial:
            def __init__(self, peer, mode):
                self.name = f"{peer}/{mode}"

            def wait_ready(self):
                pass

            def run(self, steps):
                if times[self.name] is None:
                    raise workers.PeerFailed("jax/broken failed")
                return times[self.name]

            def close(self):
                closed.append(self.name)

        with contextlib.redirect_stderr(io.StringIO()):
            left, tried, steps, failed = rounds.screen([tuple(name.split("/")) for name in times], Trial,
                                                       rounds.Protocol(2, 0.4, 2))
        self.assertEqual([worker.name for worker in left], ["torch/b", "torch/c", "jax/a"])
        self.assertEqual(closed, ["torch/a", "jax/broken"])
        self.assertEqual(tried, {"torch/a": 0.2, "torch/b": 0.1, "torch/c": 0.105, "jax/a": 9.0})
        self.assertEqual(steps, {"torch/a": 2, "torch/b": 4, "torch/c": 4, "jax/a": 2})
        self.assertEqual(failed, {"jax/broken": "jax/broken failed"})

    def test_losses_that_differ(self):
        self.assertAlmostEqual(check.difference([2.0, 1.1], [2.0, 1.0]), 0.1)
        with self.assertRaisesRegex(ValueError, "^1 losses cannot be compared with 2$"):
            check.difference([1.0], [1.0, 2.0])

    def test_bfloat16_needs_a_cpu_for_it(self):
        self.assertTrue(machine.has_bf16({"avx512_bf16"}))
        self.assertTrue(machine.has_bf16({"amx_bf16"}))
        self.assertFalse(machine.has_bf16({"avx512f"}))


class Files(unittest.TestCase):
    def test_results_are_added_to_on_the_same_machine_only(self):
        here = {"cpu": "A CPU", "threads": 2, "date": "2026-01-02"}
        protocol = {"rounds": 5}
        part = {"rounds": {"jax/step": [1.0]}, "versions": {"jax": "0.10"}, "lapel": {}}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "deeper" / "results.json"
            results.open_for(path, here, protocol).keep(["train", "cnn"], copy.deepcopy(part))
            again = results.open_for(path, here | {"date": "2026-01-03"}, protocol)
            again.keep(["train", "mlp-512"], copy.deepcopy(part))
            self.assertEqual(sorted(json.loads(path.read_text())["train"]), ["cnn", "mlp-512"])
            self.assertEqual(again.numbers["versions"], {"jax": "0.10"})
            self.assertNotIn("train", results.open_for(path, here | {"threads": 4}, protocol).numbers)
            self.assertNotIn("train", results.open_for(path, here, {"rounds": 7}).numbers)

    def test_no_results(self):
        with self.assertRaisesRegex(SystemExit, "^error: /none/results.json does not exist: nothing was measured yet$"):
            results.load(pathlib.Path("/none/results.json"))


if __name__ == "__main__":
    unittest.main()
