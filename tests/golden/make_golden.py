#!/usr/bin/env python3
"""Makes the numbers that golden_test.cpp compares with: Keras 3 trains small models, and each becomes one
safetensors file in cases/. Not run by any test; see README.md.

    python3 make_golden.py            every case
    python3 make_golden.py NAME...    these cases
"""

import os

# TensorFlow's own kernels, so that the numbers do not come from the library that Lapel uses.
os.environ.update(KERAS_BACKEND="tensorflow", TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="3")

import math
import pathlib
import sys
import tomllib
import zlib

import keras
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).parent / "cases"


# The cases: recipes as Lapel reads them.


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    return repr(value)


def layer(type, **options):
    return "".join(f"{key} = {toml(value)}\n" for key, value in {"type": type, **options}.items())


def sgd(**options):
    return {"type": "SGD", **options}


class Case:
    """One recipe with the size of its made-up pictures (height, width, channels)."""

    def __init__(self, name, shape, layers, pictures=12, classes=4, epochs=1, batch_size=5,
                 optimizer=sgd(learning_rate=0.1), loss="sparse_categorical_crossentropy", class_weight=None):
        self.name, self.shape, self.pictures, self.classes = name, shape, pictures, classes
        train = {"epochs": epochs, "batch_size": batch_size, "loss": loss, "optimizer": optimizer, "shuffle": False}
        if class_weight:
            train["class_weight"] = class_weight
        self.text = (f'name = "{name}"\n\n'
                     + "".join(f"[[layers]]\n{text}\n" for text in layers)
                     + "[train]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in train.items()))


def head(classes=4):
    return [layer("Flatten"), layer("Dense", units=classes, activation="softmax")]


def layer_cases():
    same = {"padding": "same"}
    for kind in ("linear", "relu", "gelu", "tanh", "sigmoid", "softmax"):
        yield Case(f"dense-{kind}", (4, 3, 1), [layer("Flatten"), layer("Dense", units=9, activation=kind),
                                                layer("Dense", units=4, activation="softmax")])
        yield Case(f"activation-{kind}", (5, 4, 2),
                   [layer("Conv2D", filters=3, kernel_size=3), layer("Activation", activation=kind), *head()])
    yield Case("leaky-relu", (5, 4, 2),
               [layer("Conv2D", filters=3, kernel_size=3), layer("LeakyReLU", negative_slope=0.1),
                layer("Activation", activation="leaky_relu"), *head()])
    yield Case("elu", (5, 4, 2),
               [layer("Conv2D", filters=3, kernel_size=3), layer("ELU", alpha=0.7), layer("Activation", activation="elu"), *head()])
    yield Case("relu-limits", (5, 4, 2),
               [layer("Conv2D", filters=3, kernel_size=3), layer("ReLU", max_value=0.25), layer("ReLU", negative_slope=0.1, threshold=0.03),
                layer("Activation", activation="relu6"), *head()])
    yield Case("silu", (5, 4, 2),
               [layer("Conv2D", filters=3, kernel_size=3), layer("Activation", activation="silu"),
                layer("Activation", activation="swish"), *head()])
    yield Case("hard-silu", (5, 4, 2),
               [layer("Conv2D", filters=3, kernel_size=3), layer("Activation", activation="hard_silu"),
                layer("Activation", activation="hard_swish"), *head()])
    yield Case("dense-no-bias", (4, 3, 1), [layer("Flatten"), layer("Dense", units=9, use_bias=False),
                                            layer("Dense", units=4, activation="softmax", use_bias=False)])
    yield Case("dense-alone", (7, 5, 1), head())
    yield Case("dense-alone-logits", (7, 5, 1), [layer("Flatten"), layer("Dense", units=4)])
    yield Case("activation-softmax-last", (7, 5, 1),
               [layer("Flatten"), layer("Dense", units=4), layer("Activation", activation="softmax")])
    yield Case("dense-last-axis", (5, 4, 3), [layer("Dense", units=6, activation="relu"),
                                              layer("Dense", units=2, activation="gelu"), *head()])
    yield Case("dense-last-axis-softmax", (5, 4, 1), [layer("Dense", units=5, activation="softmax"), *head()])
    yield Case("flatten-order", (3, 5, 3), head())
    for channels in (1, 3, 8):
        for padding in ("valid", "same"):
            for stride in (1, 2):
                yield Case(f"conv2d-{channels}-{padding}-{stride}", (7, 5, channels),
                           [layer("Conv2D", filters=5, kernel_size=3, strides=stride, padding=padding,
                                  activation="relu"), *head()])
    yield Case("conv2d-twice", (7, 5, 3), [layer("Conv2D", filters=8, kernel_size=3, activation="tanh", **same),
                                           layer("Conv2D", filters=8, kernel_size=3, strides=2, **same), *head()])
    yield Case("conv2d-uneven", (7, 6, 2),
               [layer("Conv2D", filters=4, kernel_size=[1, 3], strides=[2, 1], activation="sigmoid"),
                layer("Conv2D", filters=3, kernel_size=[4, 2], strides=[1, 2], use_bias=False, **same), *head()])
    for type, name in (("MaxPooling2D", "max"), ("AveragePooling2D", "average")):
        for options in ({"pool_size": 2}, {"pool_size": 2, **same}, {"pool_size": 3, "strides": 2},
                        {"pool_size": 3, "strides": 2, **same}, {"pool_size": 2, "strides": 3, **same},
                        {"pool_size": [3, 2], "strides": [1, 2]}, {"pool_size": 3, "strides": 1, **same}):
            words = [str(value) if not isinstance(value, list) else "x".join(map(str, value))
                     for value in options.values()]
            yield Case("-".join([name, "pool", *words]), (7, 5, 2),
                       [layer("Conv2D", filters=3, kernel_size=3, activation="tanh", **same), layer(type, **options),
                        *head()])
    for type, name in (("GlobalMaxPooling2D", "global-max"), ("GlobalAveragePooling2D", "global-average")):
        yield Case(f"{name}-pool", (7, 5, 2), [layer("Conv2D", filters=6, kernel_size=3, **same), layer(type),
                                               layer("Dense", units=4, activation="softmax")])
    yield Case("pool-of-pixels", (7, 5, 3), [layer("MaxPooling2D"), *head()])
    yield Case("dropout-0", (4, 3, 1), [layer("Flatten"), layer("Dense", units=9, activation="relu"),
                                        layer("Dropout", rate=0.2), layer("Dense", units=4, activation="softmax")])
    yield Case("dropout-inference", (4, 3, 1), [layer("Flatten"), layer("Dense", units=9, activation="relu"),
                                                layer("Dropout", rate=0.5),
                                                layer("Dense", units=4, activation="softmax")])
    yield Case("add-residual", (7, 5, 2),
               [layer("Input", name="pixels", shape=[7, 5, 2]),
                layer("Conv2D", name="stem", filters=4, kernel_size=3, **same),
                layer("Activation", name="read_by_three", activation="relu"),
                layer("Conv2D", name="left", filters=4, kernel_size=3, activation="relu", **same),
                layer("Conv2D", name="right", inputs=["read_by_three"], filters=4, kernel_size=1),
                layer("Add", name="sum", inputs=["left", "right", "read_by_three"]),
                layer("Activation", activation="relu"), layer("MaxPooling2D"), *head()])
    yield Case("add-itself", (4, 3, 1),
               [layer("Flatten"), layer("Dense", name="once", units=8, activation="tanh"),
                layer("Dense", name="again", units=8), layer("Add", inputs=["once", "again"]),
                layer("Add", name="last", inputs=["add", "once"]), layer("Dense", units=4, activation="softmax")])
    members = [text for i in (1, 2, 3) for text in (
        layer("Dense", name=f"hidden_{i}", inputs=["pixels"], units=9, activation="tanh"),
        layer("Dense", name=f"logits_{i}", units=4))]
    yield Case("average-of-members", (4, 3, 1),
               [layer("Flatten", name="pixels"), *members,
                layer("Average", inputs=["logits_1", "logits_2", "logits_3"]),
                layer("Activation", activation="softmax")])


def normalization_cases():
    conv = layer("Conv2D", filters=4, kernel_size=3, use_bias=False)
    relu = layer("Activation", activation="relu")
    yield Case("batch-norm", (7, 5, 2), [conv, layer("BatchNormalization"), relu, *head()])
    yield Case("batch-norm-of-vectors", (4, 3, 1),
               [layer("Flatten"), layer("Dense", units=9, use_bias=False), layer("BatchNormalization"),
                layer("Activation", activation="tanh"), layer("Dense", units=4, activation="softmax")])
    yield Case("batch-norm-of-pixels", (7, 5, 3), [layer("BatchNormalization"), *head()])
    yield Case("batch-norm-no-scale", (7, 5, 2), [conv, layer("BatchNormalization", scale=False), relu, *head()])
    yield Case("batch-norm-no-center", (7, 5, 2), [conv, layer("BatchNormalization", center=False), relu, *head()])
    yield Case("batch-norm-options", (7, 5, 2),
               [conv, layer("BatchNormalization", momentum=0.6, epsilon=0.1, scale=False, center=False),
                layer("Activation", activation="gelu"), *head()])


def dropout_cases():
    fifty = {"pictures": 72, "batch_size": 16, "epochs": 10}
    half = layer("Dropout", rate=0.5)
    yield Case("dropout-mask", (6, 5, 1),
               [layer("Flatten"), layer("Dropout", rate=0.25), layer("Dense", units=12, activation="relu"), half,
                layer("Dense", units=4, activation="softmax")], **fifty)


def optimizer_cases():
    fifty = {"pictures": 72, "batch_size": 16, "epochs": 10}
    small = [layer("Flatten"), layer("Dense", units=12, activation="relu"),
             layer("Dense", units=4, activation="softmax")]
    optimizers = {
        "sgd": sgd(),
        "sgd-momentum": sgd(learning_rate=0.05, momentum=0.9),
        "sgd-nesterov": sgd(learning_rate=0.05, momentum=0.9, nesterov=True),
        "sgd-weight-decay": sgd(learning_rate=0.1, weight_decay=0.05),
        "sgd-all": sgd(learning_rate=0.02, momentum=0.8, nesterov=True, weight_decay=0.1),
        "adam": {"type": "Adam"},
        "adam-options": {"type": "Adam", "learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 0.001},
        "adamw": {"type": "AdamW"},
        "adamw-options": {"type": "AdamW", "learning_rate": 0.005, "beta_1": 0.7, "beta_2": 0.95, "epsilon": 1e-5,
                          "weight_decay": 0.2},
        "rmsprop": {"type": "RMSprop", "learning_rate": 0.005},
        "rmsprop-options": {"type": "RMSprop", "learning_rate": 0.002, "rho": 0.8, "momentum": 0.7, "epsilon": 1e-3,
                            "centered": True, "weight_decay": 0.1},
    }
    for name, optimizer in optimizers.items():
        yield Case(f"optimizer-{name}", (6, 5, 1), small, optimizer=optimizer, **fifty)
    rate = sgd(learning_rate=0.1)
    for name, loss in {"categorical": "categorical_crossentropy",
                       "smoothing": {"type": "sparse_categorical_crossentropy", "label_smoothing": 0.1},
                       "categorical-smoothing": {"type": "categorical_crossentropy", "label_smoothing": 0.1}}.items():
        yield Case(f"loss-{name}", (6, 5, 1), small, optimizer=rate, loss=loss, **fifty)
    weights = {'"class 0"': 2.5, '"class 2"': 0.25}  # As comparison.cpp names the classes.
    for name in ("sparse_categorical_crossentropy", "categorical_crossentropy"):
        yield Case(f"loss-{name.removesuffix('_crossentropy').replace('_', '-')}-class-weight", (6, 5, 1), small,
                   optimizer=rate, loss=name, class_weight=weights, **fifty)


def study_cases():
    fifty = {"pictures": 72, "batch_size": 16, "epochs": 10, "classes": 10}
    last = layer("Dense", units=10, activation="softmax")

    def relu(units):
        return layer("Dense", units=units, activation="relu")

    def conv(filters):
        return layer("Conv2D", filters=filters, kernel_size=3, activation="relu")

    adam = {"type": "Adam"}
    one_hot = {"loss": "categorical_crossentropy", **fifty}
    yield Case("study-mlp-512", (8, 8, 1), [layer("Flatten"), relu(32), last], optimizer=adam, **one_hot)
    yield Case("study-dnn", (8, 8, 1), [layer("Flatten"), relu(16), last], optimizer=adam, **fifty)
    yield Case("study-mlp-300-100", (8, 8, 1), [layer("Flatten"), relu(30), relu(20), last],
               optimizer=sgd(), **fifty)
    yield Case("study-cnn-5408", (8, 8, 1), [conv(32), layer("MaxPooling2D"), layer("Dropout", rate=0.0),
                                             layer("Flatten"), relu(20), last], optimizer=adam, **fifty)
    yield Case("study-dense-on-pixels", (8, 8, 1), [relu(16), relu(8), layer("Flatten"), relu(16), last],
               optimizer=sgd(), **one_hot)
    yield Case("study-cnn", (14, 14, 1), [conv(16), layer("MaxPooling2D"), conv(24), layer("MaxPooling2D"),
                                          layer("Flatten"), relu(32), last], optimizer=adam, **fifty)

    def normalized(filters):
        return [layer("Conv2D", filters=filters, kernel_size=3, padding="same", use_bias=False),
                layer("BatchNormalization"), layer("Activation", activation="relu")]

    yield Case("study-cnn-plus", (8, 8, 1),
               [*normalized(8), *normalized(8), layer("MaxPooling2D"), *normalized(16), layer("GlobalMaxPooling2D"), last],
               optimizer={"type": "AdamW", "learning_rate": 0.004, "weight_decay": 0.05},
               loss={"type": "sparse_categorical_crossentropy", "label_smoothing": 0.1}, **fifty)


# The same in Keras.


def make_data(rng, case):
    """Noise, with one row brighter the more the label says so: something to learn."""
    height, width, channels = case.shape
    labels = rng.integers(case.classes, size=case.pictures)
    pixels = rng.integers(0, 180, size=(case.pictures, height, width, channels))
    pixels[np.arange(case.pictures), labels % height] += 40 + 35 * (labels // height)[:, None, None]
    return pixels.astype(np.uint8), labels


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011) of arrays of four counters."""
    counter, key = [np.asarray(word, np.uint64) for word in counter], list(key)
    for _ in range(10):
        products = counter[0] * np.uint64(0xD2511F53), counter[2] * np.uint64(0xCD9E8D57)
        low = [product & np.uint64(0xFFFFFFFF) for product in products]
        high = [product >> np.uint64(32) for product in products]
        counter = [high[1] ^ counter[1] ^ np.uint64(key[0]), low[1], high[0] ^ counter[3] ^ np.uint64(key[1]), low[0]]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return counter


def dropout_factors(rate, unit, epoch, samples, size, seed=1):
    """What Lapel's dropout number `unit` multiplies with (src/kernels/ops.h, DropoutOp): samples x size."""
    block, sample = np.meshgrid(np.arange((size + 3) // 4), samples)
    words = philox([block, sample, np.full_like(block, epoch), np.full_like(block, 3 << 24 | unit)], [seed, 0])
    uniform = (np.stack(words, -1).reshape(len(samples), -1)[:, :size] >> np.uint64(8)).astype(np.float32) * 2.0**-24
    return np.where(uniform < np.float32(rate), 0, 1 / (1 - rate)).astype(np.float32)


class GivenDropout(keras.layers.Layer):
    """Keras's Dropout with its mask given."""

    def __init__(self, rate, **options):
        super().__init__(**options)
        self.rate = rate

    def call(self, inputs, training=False):
        return inputs * keras.ops.cast(self.factors, inputs.dtype) if training and self.rate else inputs


def make_model(layers, shape, policy="float32"):
    keras.utils.clear_session()
    keras.config.set_dtype_policy(policy)
    made = {}
    before = None
    for spec in layers:
        options = dict(spec)
        type, inputs = options.pop("type"), options.pop("inputs", None)
        if before is None and type != "Input":
            first = before = keras.Input(shape)
        if type == "Input":
            value = first = keras.Input(**options)
            name = options["name"]
        else:
            one = (GivenDropout if type == "Dropout" else getattr(keras.layers, type))(**options)
            value = one([made[name] for name in inputs] if inputs and len(inputs) > 1
                        else made[inputs[0]] if inputs else before)
            name = one.name
        before = made[name] = value
    return keras.Model(first, before)


def weight_names(model):
    return {f"{one.name}/{weight.name}": weight for one in model.layers for weight in one.weights}


def set_weights(rng, model):
    """Kernels as Keras draws them (Glorot uniform), biases that are not zero; from NumPy, so that they stay. Factors
    and variances near 1."""
    for name, weight in weight_names(model).items():
        fans = weight.shape[-2:] if len(weight.shape) > 1 else (60,)
        limit = math.sqrt(6 / (sum(fans) * math.prod(weight.shape[:-2])))
        middle = 1 if weight.name in ("gamma", "moving_variance") else 0
        weight.assign((middle + rng.uniform(-limit, limit, weight.shape)).astype(np.float32))


def make_loss(spec, logits, classes):
    """A function of labels and outputs. Label smoothing of class numbers is that of their one-hot rows."""
    spec = {"type": spec} if isinstance(spec, str) else dict(spec)
    smoothing = spec.get("label_smoothing", 0)
    if spec["type"] == "sparse_categorical_crossentropy" and smoothing == 0:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    loss = keras.losses.CategoricalCrossentropy(from_logits=logits, label_smoothing=smoothing)
    return lambda labels, outputs, sample_weight: loss(tf.one_hot(labels, classes), outputs, sample_weight)


class Trial:
    """A case with the pictures, labels and weights of one seed."""

    def __init__(self, case, seed, policy="float32"):
        self.case, self.recipe = case, tomllib.loads(case.text)
        rng = np.random.default_rng([zlib.crc32(case.name.encode()), seed])
        self.pixels, self.labels = make_data(rng, case)
        self.inputs = self.pixels.astype(np.float32) / np.float32(255)
        self.model = make_model(self.recipe["layers"], case.shape, policy)
        set_weights(rng, self.model)
        self.names = weight_names(self.model)
        self.trainable = {name: weight for name, weight in self.names.items() if weight.trainable}
        last = self.recipe["layers"][-1]
        self.logits = last.get("activation") != "softmax"
        self.loss = make_loss(self.recipe["train"]["loss"], self.logits, case.classes)
        weights = self.recipe["train"].get("class_weight", {})
        # What Keras's fit makes of its class_weight (keras/src/trainers/data_adapters/data_adapter_utils.py).
        self.sample_weight = np.array([weights.get(f"class {label}", 1) for label in self.labels], np.float32)

    def draw(self, rows, epoch):
        """Gives each dropout the mask that Lapel has there."""
        samples = np.arange(self.case.pictures)[rows]
        dropouts = [one for one in self.model.layers if isinstance(one, GivenDropout)]
        for unit, one in enumerate(dropouts):
            one.factors = dropout_factors(one.rate, unit, epoch, samples, math.prod(one.output.shape[1:]))
            one.factors = one.factors.reshape(-1, *one.output.shape[1:])

    def step(self, first=0, epoch=1):
        """Loss and gradients of the batch that begins with this picture."""
        rows = slice(first, first + self.recipe["train"]["batch_size"])
        self.draw(rows, epoch)
        with tf.GradientTape() as tape:
            loss = self.loss(self.labels[rows], self.model(self.inputs[rows], training=True),
                             sample_weight=self.sample_weight[rows])
        return float(loss), tape.gradient(loss, [weight.value for weight in self.trainable.values()])

    def predict(self):
        outputs = self.model(self.inputs, training=False)
        return numpy(tf.nn.softmax(outputs) if self.logits else outputs)

    def train(self):
        """The loss of every step."""
        train = self.recipe["train"]
        options = dict(train["optimizer"])
        optimizer = getattr(keras.optimizers, options.pop("type"))(**options)
        losses = []
        for epoch in range(train["epochs"]):
            for first in range(0, self.case.pictures, train["batch_size"]):
                loss, gradients = self.step(first, epoch + 1)
                optimizer.apply(gradients, list(self.trainable.values()))
                losses.append(loss)
        return np.array(losses, np.float32)


def numpy(value):
    return keras.ops.convert_to_numpy(value)


def apart(some, others):
    """The difference between tensors of two lists, each as a share of its norm."""
    pairs = [(numpy(tf.cast(one, "float32")), numpy(tf.cast(other, "float32"))) for one, other in zip(some, others)]
    return [np.linalg.norm(one - other) / np.linalg.norm(one) for one, other in pairs]


def bfloat16_distance(case, seed):
    """How far Keras's own mixed_bfloat16 is from its float32: of each weight's gradient, the share of the norm."""
    return apart(Trial(case, seed).step()[1], Trial(case, seed, "mixed_bfloat16").step()[1])


def rounding_distance(case, seed):
    """The same for float32's gradients with pictures and kernels rounded to bfloat16."""
    def rounded(value):
        return tf.cast(tf.cast(value, "bfloat16"), "float32")

    trial = Trial(case, seed)
    trial.inputs = numpy(rounded(trial.inputs))
    for weight in trial.names.values():
        if len(weight.shape) > 1:
            weight.assign(rounded(weight.value))
    return apart(Trial(case, seed).step()[1], trial.step()[1])


def unsteadiness(case, seed, best):
    """How near a ReLU or maximum lies to its corner, where rounding decides: by the distance of bfloat16's gradients,
    and by that of a training from weights changed by a millionth. Up to 1 is well within what the test allows."""
    bfloat16 = max(bfloat16_distance(case, seed) + rounding_distance(case, seed)) / 0.02
    if bfloat16 > best:
        return bfloat16
    exact, changed = Trial(case, seed), Trial(case, seed)
    rng = np.random.default_rng(seed)
    for weight in changed.names.values():
        weight.assign(weight * (1 + 1e-6 * rng.choice([-1, 1], weight.shape)))
    exact.train(), changed.train()
    return max(bfloat16, np.abs(exact.predict() - changed.predict()).max() / 5e-6,
               max(apart(exact.names.values(), changed.names.values())) / 3e-5)


def steady_seed(case):
    """The first seed that is steady, or the steadiest of eight, behind how unsteady it is."""
    best = math.inf, 0
    for seed in range(8):
        best = min(best, (unsteadiness(case, seed, best[0]), seed))
        if best[0] <= 1:
            break
    return best


def run(case):
    trains = case.name != "dropout-inference"
    unsteady, seed = steady_seed(case) if trains else (0, 0)
    trial = Trial(case, seed)

    def values(prefix, tensors, names=trial.names):
        return {f"{prefix}/{name}": numpy(value).copy() for name, value in zip(names, tensors, strict=True)}

    # float16 holds 0 to 255 exactly.
    result = {"pixels": trial.pixels.astype(np.float16), "labels": trial.labels.astype(np.float16),
              **values("weight", trial.names.values()), "probabilities": trial.predict()}
    if trains:
        result |= values("gradient", trial.step()[1], trial.trainable)
        result |= values("bfloat16", np.array(bfloat16_distance(case, seed), np.float32).reshape(-1, 1),
                         trial.trainable)
        trial = Trial(case, seed)
        result |= {"losses": trial.train(), "predictions": trial.predict(), **values("trained", trial.names.values())}
    metadata = {"recipe": case.text, "seed": str(seed), "keras": keras.__version__,
                "backend": f"tensorflow {tf.__version__}", "numpy": np.__version__}
    file = FOLDER / f"{case.name}.safetensors"
    save_file(result, file, metadata)
    trace = result.get("losses", [math.nan])
    print(f"{case.name:28} seed {seed} unsteady {unsteady:5.2f} {file.stat().st_size:7} bytes  {len(trace):3} steps  "
          f"loss {trace[0]:.4f} to {trace[-1]:.4f}", flush=True)


def main():
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    cases = {case.name: case for group in (layer_cases, normalization_cases, dropout_cases, optimizer_cases, study_cases) for case in group()}
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or cases:
        run(cases[name])


if __name__ == "__main__":
    main()
