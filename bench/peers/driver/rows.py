"""The rows of the comparison: which recipe, which batch size, and how far the arithmetic says one can get."""

import dataclasses
import pathlib

from .recipe import read_recipe

ROOT = pathlib.Path(__file__).resolve().parents[3]


@dataclasses.dataclass(frozen=True)
class Row:
    """`reach` and `reach_bf16`: how many times faster than the fastest peer a training step can be, by the arithmetic of
    the machine; None: not stated."""

    name: str
    recipe: str
    batch: int
    reach: float | None
    reach_bf16: float | None

    @property
    def path(self):
        return ROOT / self.recipe

    def read(self):
        return read_recipe(self.path)


ROWS = {row.name: row for row in [
    Row("mlp-512", "recipes/mlp-512.toml", 32, 3.3, 6),
    Row("cnn-5408", "recipes/cnn-5408.toml", 32, 2.2, 3),
    Row("dense-on-pixels", "recipes/dense-on-pixels.toml", 400, 2, 5),
    Row("cnn", "recipes/cnn.toml", 64, 2.7, 7),
    Row("mlp-300-100", "recipes/mlp-300-100.toml", 32, 3.5, 5),
    Row("residual", "bench/peers/residual.toml", 512, None, 2),
]}

TRAIN_MODES = {
    "keras": ["fit", "fit-32", "fit-no-jit", "fit-no-jit-32", "fit-32-bf16", "fit-no-jit-32-bf16"],
    "torch": ["eager", "compile", "eager-bf16", "compile-bf16"],
    "jax": ["step", "scan", "step-bf16", "scan-bf16"],
}
CONVOLUTION_MODES = TRAIN_MODES | {
    "torch": ["eager", "channels-last", "compile-channels-last", "eager-bf16", "channels-last-bf16",
              "compile-channels-last-bf16"],
}
# A step of so much arithmetic takes tenths of a second: 32 of them a call gain nothing, and a turn would take a minute.
LARGE_STEP_FLOP = 50e9
PREDICT_MODES = {"onnx": ["run", "bound", "bound-1-thread"]}
PREDICT_BATCHES = (1, 256)
# How many times faster than the fastest peer a prediction is to be.
USE_REACH = {"float32": 1, "bfloat16": 2}


def train_modes(row, peers):
    """[(peer, mode)] in which a training step of a row is tried."""
    recipe = row.read()
    convolutions = any(layer.type == "Conv2D" for layer in recipe.layers)
    modes = CONVOLUTION_MODES if convolutions else TRAIN_MODES
    tried = [(peer, mode) for peer in peers for mode in modes[peer]]
    if recipe.train_flop * row.batch >= LARGE_STEP_FLOP:
        tried = [(peer, mode.replace("-32", "")) for peer, mode in tried]
    return list(dict.fromkeys(tried))
