"""Reads a recipe of Lapel as the peers need it: layers with names, shapes, weights and multiply-adds.

The recipe is the one description of a row's model, so that all build the same. Only what the rows use is known.
"""

import dataclasses
import math
import pathlib
import re
import tomllib

PICTURE = (28, 28, 1)
CLASSES = 10


@dataclasses.dataclass
class Layer:
    """One layer: Keras's type and options, the layers it takes, its shapes, and its weights as {name: shape}."""

    type: str
    name: str
    options: dict
    inputs: list
    in_shape: tuple
    out_shape: tuple
    weights: dict
    macs: int


@dataclasses.dataclass
class Recipe:
    """A model and how it is trained. `limit` is the number of training pictures it takes; 0: all."""

    path: pathlib.Path
    layers: list
    optimizer: dict
    batch: int
    limit: int

    @property
    def parameters(self):
        """Numbers that training changes."""
        return sum(math.prod(shape) for layer in self.layers for name, shape in layer.weights.items()
                   if not name.startswith("moving_"))

    @property
    def macs(self):
        """Multiply-adds of one picture, forward, in Dense and Conv2D."""
        return sum(layer.macs for layer in self.layers)

    @property
    def train_flop(self):
        """FLOP of one picture in a training step: forward, gradient of the weights, gradient of the input; the first
        layer with weights needs no gradient of its input."""
        weighty = [layer.macs for layer in self.layers if layer.macs]
        return 2 * (3 * sum(weighty) - weighty[0])

    def weight_shapes(self):
        """{"layer/weight": shape} under Keras's names."""
        return {f"{layer.name}/{name}": shape for layer in self.layers for name, shape in layer.weights.items()}


def snake_case(word):
    """Keras's automatic layer names: MaxPooling2D becomes max_pooling2d."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])(?!$)|(?<=[A-Z])([A-Z])(?=[a-z])", r"_\g<0>", word).lower()


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def dense(options, shape):
    units = options["units"] or CLASSES
    weights = {"kernel": (shape[-1], units)}
    if options.get("use_bias", True):
        weights["bias"] = (units,)
    return shape[:-1] + (units,), weights, math.prod(shape) * units


def conv2d(options, shape):
    height, width, channels = shape
    rows, columns = pair(options["kernel_size"])
    filters = options["filters"]
    if options.get("padding", "valid") == "valid":
        height, width = height - rows + 1, width - columns + 1
    weights = {"kernel": (rows, columns, channels, filters)}
    if options.get("use_bias", True):
        weights["bias"] = (filters,)
    return (height, width, filters), weights, height * width * filters * rows * columns * channels


def batch_normalization(options, shape):
    del options
    return shape, {name: (shape[-1],) for name in ("gamma", "beta", "moving_mean", "moving_variance")}, 0


SHAPES = {
    "Flatten": lambda options, shape: ((math.prod(shape),), {}, 0),
    "Dense": dense,
    "Conv2D": conv2d,
    "MaxPooling2D": lambda options, shape: ((shape[0] // 2, shape[1] // 2, shape[2]), {}, 0),
    "GlobalMaxPooling2D": lambda options, shape: ((shape[-1],), {}, 0),
    "BatchNormalization": batch_normalization,
    "Activation": lambda options, shape: (shape, {}, 0),
    "Dropout": lambda options, shape: (shape, {}, 0),
    "Add": lambda options, shape: (shape, {}, 0),
}


def make_layers(tables):
    """Layers with names and shapes, from the tables of the recipe."""
    shapes = {"input_layer": PICTURE}
    before = "input_layer"
    counts, layers = {}, []
    for table in tables:
        options = dict(table)
        type = options.pop("type")
        if type not in SHAPES:
            raise ValueError(f"the peers know no layer '{type}'; they know {', '.join(sorted(SHAPES))}")
        counts[type] = counts.get(type, 0) + 1
        automatic = snake_case(type) + (f"_{counts[type] - 1}" if counts[type] > 1 else "")
        name = options.pop("name", automatic)
        inputs = options.pop("inputs", [before])
        in_shape = shapes[inputs[0]]
        out_shape, weights, macs = SHAPES[type](options, in_shape)
        layers.append(Layer(type, name, options, inputs, in_shape, out_shape, weights, macs))
        shapes[name] = out_shape
        before = name
    return layers


def read_recipe(path):
    """The recipe at `path`."""
    path = pathlib.Path(path)
    document = tomllib.loads(path.read_text())
    train = document["train"]
    optimizer = train["optimizer"]
    if isinstance(optimizer, str):
        optimizer = {"type": optimizer}
    return Recipe(path, make_layers(document["layers"]), optimizer, train["batch_size"],
                  document.get("data", {}).get("limit", 0))
