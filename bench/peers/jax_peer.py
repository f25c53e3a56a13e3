"""JAX as a worker of the comparison (worker.py has the protocol).

One jitted function takes a whole step: it gathers the batch from the pictures, which stay on the device, computes loss
and gradients, and updates. Weights and optimizer state are donated. The modes, of which the fastest counts:

    step              a call a step
    scan              lax.scan over all steps of a round
    ...-bf16          activations and the weights' copies in bfloat16, master weights in float32
"""

import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import worker

MODES = [kind + precision for precision in ("", "-bf16") for kind in ("step", "scan")]
VERSIONS = {"jax": jax.__version__, "jaxlib": jax.lib.__version__}


def dense(layer, weights, x):
    del layer
    y = x @ weights["kernel"].astype(x.dtype)
    return y + weights["bias"].astype(x.dtype) if "bias" in weights else y


def conv2d(layer, weights, x):
    y = lax.conv_general_dilated(x, weights["kernel"].astype(x.dtype), (1, 1),
                                 layer.options.get("padding", "valid").upper(),
                                 dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + weights["bias"].astype(x.dtype) if "bias" in weights else y


def max_pooling2d(layer, weights, x):
    """Maxima of 2 x 2 windows by reshaping: its gradient is faster than that of lax.reduce_window."""
    del layer, weights
    n, h, w, c = x.shape
    return x[:, :h // 2 * 2, :w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def normalize(weights, x):
    """Batch normalization over all but the last axis; also gives mean and variance, in float32."""
    wide = x.astype(jnp.float32)
    mean = wide.mean((0, 1, 2))
    variance = jnp.maximum((wide * wide).mean((0, 1, 2)) - mean * mean, 0)
    factor = weights["gamma"] * lax.rsqrt(variance + 1e-3)
    return (wide * factor + (weights["beta"] - mean * factor)).astype(x.dtype), (mean, variance)


def dropout(rate, x, key):
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0) if rate else x


LAYERS = {
    "Dense": dense,
    "Conv2D": conv2d,
    "MaxPooling2D": max_pooling2d,
    "GlobalMaxPooling2D": lambda layer, weights, x: x.max((1, 2)),
    "Flatten": lambda layer, weights, x: x.reshape(len(x), -1),
    "Activation": lambda layer, weights, x: x,
}


def apply(layers, weights, x, key):
    """Logits of a batch in training, and what batch normalizations saw: {layer: (mean, variance)}."""
    values, seen = {"input_layer": x}, {}
    for layer in layers:
        x = values[layer.inputs[0]]
        own = weights.get(layer.name, {})
        if layer.type == "BatchNormalization":
            x, seen[layer.name] = normalize(own, x)
        elif layer.type == "Dropout":
            x = dropout(layer.options["rate"], x, key)
        elif layer.type == "Add":
            x = x + values[layer.inputs[1]]
        else:
            x = LAYERS[layer.type](layer, own, x)
        if layer.options.get("activation") == "relu":
            x = jax.nn.relu(x)
        values[layer.name] = x
    return x.astype(jnp.float32), seen


def make_adam(weights, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """State and update of Adam (Kingma & Ba 2015), with epsilon where Keras has it."""

    def update(state, weights, gradients):
        count = state["count"] + 1
        factor = learning_rate * jnp.sqrt(1 - beta_2 ** count) / (1 - beta_1 ** count)
        m = jax.tree.map(lambda m, g: beta_1 * m + (1 - beta_1) * g, state["m"], gradients)
        v = jax.tree.map(lambda v, g: beta_2 * v + (1 - beta_2) * g * g, state["v"], gradients)
        weights = jax.tree.map(lambda w, m, v: w - factor * m / (jnp.sqrt(v) + epsilon), weights, m, v)
        return {"count": count, "m": m, "v": v}, weights

    zeros = functools.partial(jax.tree.map, jnp.zeros_like, weights)
    return {"count": jnp.float32(0), "m": zeros(), "v": zeros()}, update


def make_sgd(weights, learning_rate=0.01, momentum=0.0, nesterov=False):
    """State and update of stochastic gradient descent."""

    def update(state, weights, gradients):
        used = gradients
        if momentum:
            state = jax.tree.map(lambda m, g: momentum * m + g, state, gradients)
            used = jax.tree.map(lambda m, g: momentum * m + g, state, gradients) if nesterov else state
        return state, jax.tree.map(lambda w, u: w - learning_rate * u, weights, used)

    return jax.tree.map(jnp.zeros_like, weights) if momentum else (), update


def make_step(layers, update, compute):
    """A function of pictures, labels, the state of the training and the numbers of a batch: one step and its loss."""
    momentum = {layer.name: layer.options.get("momentum", 0.99) for layer in layers}

    def loss_of(weights, x, y, key):
        logits, seen = apply(layers, weights, x.astype(compute), key)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean(), seen

    def step(pictures, labels, carry, chosen):
        weights, moving, state, key = carry
        key, used = jax.random.split(key)
        x, y = jnp.take(pictures, chosen, 0), jnp.take(labels, chosen, 0)
        (loss, seen), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, x, y, used)
        state, weights = update(state, weights, gradients)
        moving = {name: tuple(momentum[name] * old + (1 - momentum[name]) * new
                              for old, new in zip(moving[name], seen[name])) for name in moving}
        return (weights, moving, state, key), loss

    return step


class Peer:
    """A network in training on Fashion-MNIST."""

    def __init__(self, args):
        jax.config.update("jax_default_prng_impl", "rbg")
        recipe = args.recipe
        pictures, labels = worker.load_pictures(limit=recipe.limit)
        self.order = worker.Order(len(labels), args.batch, shuffle=not args.check)
        self.data = jnp.asarray(pictures), jnp.asarray(labels)
        weights, moving = {}, {}
        for name, value in args.weights.items():
            layer, name = name.split("/")
            if name.startswith("moving_"):
                moving[layer] = (*moving.get(layer, ()), jnp.asarray(value))
            else:
                weights.setdefault(layer, {})[name] = jnp.asarray(value)
        options = dict(recipe.optimizer)
        make = {"Adam": make_adam, "SGD": make_sgd}[options.pop("type")]
        state, update = make(weights, **options)
        self.carry = (weights, moving, state, jax.random.key(1))
        step = make_step(recipe.layers, update, jnp.bfloat16 if args.mode.endswith("-bf16") else jnp.float32)
        self.step = jax.jit(step, donate_argnums=2)
        self.scan = jax.jit(lambda pictures, labels, carry, batches:
                            lax.scan(functools.partial(step, pictures, labels), carry, batches), donate_argnums=2)
        self.scans = args.mode.startswith("scan")
        self.compiled = {}

    def next_batches(self, steps):
        """Numbers of the pictures of the next steps, [steps, batch]."""
        return np.stack([next(self.order) for _ in range(steps)]).astype(np.int32)

    def train(self, steps):
        """Takes steps; gives the losses once all is computed."""
        batches = self.next_batches(steps)
        if self.scans:
            self.carry, losses = self.compiled[steps](*self.data, self.carry, batches)
        else:
            losses = []
            for chosen in batches:
                self.carry, loss = self.step(*self.data, self.carry, chosen)
                losses.append(loss)
        return jax.block_until_ready((losses, self.carry))[0]

    def prepare(self, steps):
        """Compiles what `steps` steps need and has not been compiled."""
        if self.scans and steps not in self.compiled:
            batches = jax.ShapeDtypeStruct((steps, self.order.batch), jnp.int32)
            self.compiled[steps] = self.scan.lower(*self.data, self.carry, batches).compile()

    def run(self, steps):
        self.prepare(steps)
        start = time.perf_counter()
        self.train(steps)
        return time.perf_counter() - start, steps

    def losses(self, steps):
        self.prepare(steps)
        return self.train(steps)


if __name__ == "__main__":
    worker.serve(MODES, __doc__, Peer, VERSIONS)
