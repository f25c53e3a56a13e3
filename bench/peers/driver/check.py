"""Whether all compute the same: the losses of the first training steps, from the same weights on the same pictures."""

import shutil
import subprocess

from .lapel import LapelFailed
from .ratios import is_bf16
from .rounds import say
from .rows import PREDICT_MODES, train_modes
from .tables import NOTHING, grid
from .workers import FOLDER, PeerFailed, Worker, environment

STEPS = 5
USE_BATCH = 32
# Here nobody hurries.
PATIENCE_SECONDS = 900
# Largest relative difference of a loss, in float32 and in bfloat16.
TOLERANCE = {False: 1e-3, True: 3e-2}
# PyTorch's Adam adds epsilon to the root of the corrected mean of squares, Keras's and Lapel's to that of the mean itself:
# no epsilon makes the first steps the same.
TORCH_ADAM_TOLERANCE = {False: 2e-2, True: 3e-2}


def difference(losses, reference):
    """The largest relative difference of two lists of losses."""
    if len(losses) != len(reference):
        raise ValueError(f"{len(losses)} losses cannot be compared with {len(reference)}")
    return max(abs(loss - wanted) / abs(wanted) for loss, wanted in zip(losses, reference))


def uses_adam(row):
    return row.read().optimizer["type"] == "Adam"


def compare_one(setup, row, peer, mode, reference, **options):
    """One line of the table, and whether the peer agrees with the losses of Lapel."""
    steps = len(reference)
    cells = [NOTHING] * STEPS
    try:
        with Worker(setup.python, peer, mode, row, setup.threads, setup.cache, check=True,
                    patience=PATIENCE_SECONDS, **options) as worker:
            losses = worker.ask(do="losses", steps=steps)["losses"]
    except PeerFailed as error:
        say(f"    {error}")
        return [row.name, f"{peer}/{mode}", *cells, NOTHING, "FAILED"], False
    apart = difference(losses, reference)
    tolerance = TORCH_ADAM_TOLERANCE if peer == "torch" and uses_adam(row) else TOLERANCE
    agrees = apart <= tolerance[is_bf16(mode)]
    cells[:steps] = [f"{loss:.5f}" for loss in losses]
    return [row.name, f"{peer}/{mode}", *cells, f"{apart:.1e}", "agrees" if agrees else "DIFFERS"], agrees


def check_row(row, peers, setup):
    """Lines of the table of one row, and whether all agree with Lapel: in training step by step, in use (the last loss of
    a run of Lapel, on the pictures of one batch) once."""
    folder = setup.cache / "check" / row.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    weights = folder / "weights.safetensors"
    subprocess.run([str(setup.python), str(FOLDER / "write_weights.py"), str(row.path), str(weights)], check=True,
                   env=environment(setup.threads, setup.cache))
    try:
        losses = setup.lapel.losses(row, weights, "float32", STEPS, folder)
        in_use = [setup.lapel.loss_in_use(folder / "run", USE_BATCH)]
    except LapelFailed as error:
        raise SystemExit(f"error: {error}") from None
    lines = [[row.name, "lapel/float32", *(f"{loss:.5f}" for loss in losses), NOTHING, NOTHING]]
    verdicts = []
    for peer, mode in train_modes(row, peers):
        line, agrees = compare_one(setup, row, peer, mode, losses, weights=weights)
        lines.append(line)
        verdicts.append(agrees)
    lines.append([row.name, "lapel, in use", f"{in_use[0]:.5f}", *[NOTHING] * (STEPS + 1)])
    for peer, modes in PREDICT_MODES.items():
        for mode in modes:
            line, agrees = compare_one(setup, row, peer, mode, in_use, batch=USE_BATCH,
                                       weights=folder / "run" / "model.safetensors")
            lines.append(line)
            verdicts.append(agrees)
    return lines, all(verdicts)


def check(rows, peers, setup):
    """Prints the table of all rows; whether all agree."""
    header = ["row", "by", *(f"loss {step + 1}" for step in range(STEPS)), "apart", ""]
    lines, good = [], True
    for row in rows:
        say(f"checking {row.name}")
        own, agrees = check_row(row, peers, setup)
        lines += own
        good = good and agrees
    print("\n".join(grid(header, lines, 2)))
    print("all agree" if good else "not all agree")
    return good
