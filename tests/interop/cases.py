"""The models that every format is tested with: each layer of Lapel's table with each of its choices, and networks of
several parts."""

ACTIVATIONS = ["linear", "relu", "gelu", "tanh", "sigmoid", "softmax", "leaky_relu", "elu", "relu6", "silu", "swish",
               "hard_silu", "hard_swish"]

# By type, the options of each model that it is tested in; the layer stands between two convolutions.
LAYERS = {
    "Input": [],
    "Flatten": [""],
    "Dense": [f'units = 5, activation = "{one}"' for one in ACTIVATIONS] + ["units = 5, use_bias = false"],
    "Conv2D": [f'filters = 5, kernel_size = 3, activation = "{one}"' for one in ACTIVATIONS] + [
        "filters = 5, kernel_size = [3, 2], strides = 2, use_bias = false",
        'filters = 5, kernel_size = [3, 2], strides = 2, padding = "same"',
        'filters = 5, kernel_size = [2, 5], strides = [1, 3], padding = "same"'],
    "MaxPooling2D": ["", 'pool_size = 3, strides = 2, padding = "same"', "pool_size = [3, 2], strides = 1"],
    "AveragePooling2D": ["", 'pool_size = 3, strides = 2, padding = "same"', "pool_size = [3, 2], strides = 1"],
    "GlobalAveragePooling2D": [""],
    "GlobalMaxPooling2D": [""],
    "Dropout": ["rate = 0.25"],
    "Activation": [f'activation = "{one}"' for one in ACTIVATIONS],
    "Add": [""],
    "Average": [""],
    "BatchNormalization": ["momentum = 0.5", "momentum = 0.5, scale = false, epsilon = 0.01",
                           "momentum = 0.5, center = false"],
    "RandomFlip": ["", 'mode = "horizontal", start_epoch = 2'],
    "RandomTranslation": ["height_factor = 0.1, width_factor = 0.1"],
    "RandomRotation": ["factor = 0.1"],
    "RandomZoom": ["height_factor = 0.1"],
    "RandomErasing": ["factor = 0.5"],
    "MixUp": [""],
    "CutMix": [""],
    "LeakyReLU": ["", "negative_slope = 0.1"],
    "ELU": ["", "alpha = 0.5"],
    "ReLU": ["", "max_value = 0.5", "max_value = 0.5, negative_slope = 0.2, threshold = 0.1", "threshold = 0.1"],
}
BEFORE_WEIGHTS = {"RandomFlip", "RandomTranslation", "RandomRotation", "RandomZoom", "RandomErasing", "MixUp", "CutMix"}
MERGING = {"Add", "Average"}


def layer(kind, options="", **more):
    options = ([options] if options else []) + [f"{key} = {value}" for key, value in more.items()]
    return "{ " + ", ".join([f'type = "{kind}"', *options]) + " }"


def around(kind, options):
    """The layers of a model with the tested one in it."""
    before = layer("Conv2D", 'filters = 3, kernel_size = 2, padding = "same", activation = "tanh", name = "before"')
    tested = layer(kind, options, **({"inputs": '["before", "side"]'} if kind in MERGING else {}))
    side = [layer("Conv2D", 'filters = 3, kernel_size = 1, name = "side", inputs = ["before"]')] if kind in MERGING else []
    body = [tested, before] if kind in BEFORE_WEIGHTS else [before, *side, tested]
    return [*body, layer("Flatten"), layer("Dense", 'units = 3, activation = "softmax"')]


NORMALIZED = [
    layer("Conv2D", 'filters = 4, kernel_size = 3, strides = 2, padding = "same", use_bias = false'),
    layer("BatchNormalization", "momentum = 0.5"),
    layer("Activation", 'activation = "relu"', name='"first"'),
    layer("Conv2D", 'filters = 4, kernel_size = 3, padding = "same", name = "left"'),
    layer("BatchNormalization", "momentum = 0.5, scale = false, name = \"left_norm\""),
    layer("Conv2D", 'filters = 4, kernel_size = 1, name = "right", inputs = ["first"]'),
    layer("Add", "", inputs='["left_norm", "right", "first"]', name='"sum"'),
    layer("MaxPooling2D", ""),
    layer("BatchNormalization", "momentum = 0.5"),
    layer("Flatten"),
    layer("Dense", "units = 6, activation = \"gelu\""),
    layer("BatchNormalization", "momentum = 0.5"),
    layer("Dense", "units = 3"),
]


def all_cases():
    """(name, layers, lines of [train], words of `lapel export`) of every model."""
    for kind, choices in LAYERS.items():
        for number, options in enumerate(choices):
            yield f"{kind}_{number}", around(kind, options), "", []
    for fold in ([], ["--fold"]):
        suffix = "_folded" if fold else ""
        yield f"normalized{suffix}", NORMALIZED, "", fold
        yield f"views{suffix}", NORMALIZED, 'test_time_augmentation = "flip+shift"', fold
        yield f"ensemble{suffix}", NORMALIZED, "ensemble = 2", fold
    yield "ensemble_views", NORMALIZED, 'ensemble = 2\ntest_time_augmentation = "flip"', []
    yield "dense_only", [layer("Flatten"), layer("Dense", "units = 3")], 'test_time_augmentation = "flip+shift"', []


def recipe(layers, train, source="data"):
    body = ",\n  ".join(layers)
    return (f'name = "case"\nlayers = [\n  {body}\n]\n[data]\nsource = "{source}"\n[train]\nepochs = 1\nbatch_size = 16\n'
            f'optimizer = {{ type = "SGD", learning_rate = 0.05 }}\nthreads = 1\nprecision = "float32"\n{train}\n')
