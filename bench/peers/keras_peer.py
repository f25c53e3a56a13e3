"""Keras 3 on TensorFlow as a worker of the comparison (worker.py has the protocol).

`model.fit` on arrays, as Keras's documents show it; fit makes a pipeline of them that shuffles numbers of pictures and
gathers batches ahead of the training. No metrics but the loss. A callback times the steps, without the start of fit. The
modes, of which the fastest counts:

    fit               compile() and fit() with their defaults (which compile with XLA)
    fit-no-jit        jit_compile=False: TensorFlow's own kernels, with oneDNN
    ...-32            steps_per_execution=32: that many steps a call
    ...-bf16          the dtype policy mixed_bfloat16
"""

import time

import keras
import tensorflow as tf

import worker

KINDS = ("fit", "fit-32", "fit-no-jit", "fit-no-jit-32")
MODES = [kind + precision for precision in ("", "-bf16") for kind in KINDS]
VERSIONS = {"keras": keras.__version__, "tensorflow": tf.__version__}


def make_model(recipe, weights):
    """The functional model with weights that are given under Keras's names."""
    values = {"input_layer": keras.Input((28, 28, 1), name="input_layer")}
    for layer in recipe.layers:
        options = dict(layer.options)
        if layer is recipe.layers[-1]:
            options["dtype"] = "float32"
        inputs = [values[name] for name in layer.inputs]
        made = getattr(keras.layers, layer.type)(name=layer.name, **options)
        values[layer.name] = made(inputs if len(inputs) > 1 else inputs[0])
    model = keras.Model(values["input_layer"], values[recipe.layers[-1].name])
    for layer in recipe.layers:
        if layer.weights:
            made = model.get_layer(layer.name)
            made.set_weights([weights[f"{layer.name}/{weight.name}"] for weight in made.weights])
    return model


class Stopwatch(keras.callbacks.Callback):
    """When each call of fit ended: (number of its last step, seconds), and the mean loss by then."""

    def on_epoch_begin(self, epoch, logs=None):
        self.ends, self.means = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append((batch, time.perf_counter()))
        self.means.append(logs["loss"])


class Peer:
    """A model in training on Fashion-MNIST."""

    def __init__(self, args):
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(args.threads)
        keras.utils.set_random_seed(1)
        if args.mode.endswith("-bf16"):
            keras.config.set_dtype_policy("mixed_bfloat16")
        recipe = args.recipe
        self.batch = args.batch
        self.pictures, self.labels = worker.load_pictures(limit=recipe.limit)
        self.model = make_model(recipe, args.weights)
        self.steps_per_call = 32 if "-32" in args.mode and not args.check else 1
        options = dict(recipe.optimizer)
        optimizer = getattr(keras.optimizers, options.pop("type"))(**options)
        self.model.compile(optimizer, "sparse_categorical_crossentropy",
                           jit_compile=False if "no-jit" in args.mode else "auto",
                           steps_per_execution=self.steps_per_call)
        self.stopwatch = Stopwatch()

    def fit(self, steps, shuffle=True):
        self.model.fit(self.pictures, self.labels, batch_size=self.batch, steps_per_epoch=steps, shuffle=shuffle,
                       verbose=0, callbacks=[self.stopwatch])

    def run(self, steps):
        epoch = len(self.labels) // self.batch
        calls = max(1, min(steps + 1, epoch) // self.steps_per_call - 1)
        self.fit((calls + 1) * self.steps_per_call)
        (first, start), (last, end) = self.stopwatch.ends[0], self.stopwatch.ends[-1]
        return end - start, last - first

    def losses(self, steps):
        """The loss of each step, from the means that fit shows."""
        self.fit(steps, shuffle=False)
        sums = [mean * (step + 1) for (step, _), mean in zip(self.stopwatch.ends, self.stopwatch.means)]
        return [total - before for total, before in zip(sums, [0, *sums])]


if __name__ == "__main__":
    worker.serve(MODES, __doc__, Peer, VERSIONS)
