#!/usr/bin/env python3
"""Writes numbers.txt, which the tests of schedules, means and Muon compare with: the published formulas in NumPy, in
float64.

    python3 make_numbers.py

A line is a key and its numbers.
"""

import pathlib

import numpy as np

LINES = []


def add(key, values):
    LINES.append(" ".join([key, *(f"{v:.10g}" for v in np.ravel(values))]))


# Schedules. Keras 3's PolynomialDecay and CosineDecay (keras/src/optimizers/schedules), with warm-up as its
# warmup_target; PyTorch's OneCycleLR (torch/optim/lr_scheduler.py, anneal_strategy="cos"); as functions of progress.


def polynomial_decay(step, decay_steps, end, power=1.0):
    return (1 - end) * (1 - step / decay_steps) ** power + end


def cosine_decay(step, decay_steps, alpha):
    return (1 - alpha) * 0.5 * (1 + np.cos(np.pi * step / decay_steps)) + alpha


def constant(step, decay_steps, alpha):
    return 1.0


def warmed(shape, steps, warmup, alpha):
    return [step / warmup if step < warmup else shape(step - warmup, steps - warmup, alpha) for step in range(steps)]


def annealed(start, end, share):
    return end + (start - end) / 2 * (1 + np.cos(np.pi * share))


def one_cycle(steps, warmup, initial, final):
    return [annealed(initial, 1, step / warmup) if step < warmup
            else annealed(1, final, (step - warmup) / (steps - warmup)) for step in range(steps)]


def schedules():
    steps = 40  # Of four epochs.
    for warmup in (0, 4, 15):
        for name, shape, alpha in (("Constant", constant, 0), ("Linear", polynomial_decay, 0.1),
                                   ("Cosine", cosine_decay, 0.02)):
            add(f"{name}/{warmup}", warmed(shape, steps, warmup, alpha))
    add("OneCycle/10", one_cycle(steps, 10, 0.04, 0.0001))
    add("OneCycle/15", one_cycle(steps, 15, 0.2, 0.05))


# Means of weights that some optimizer moves by given amounts. EMA: Keras 3's optimizers with use_ema=True
# (keras/src/optimizers/base_optimizer.py, _update_model_variables_moving_average and _overwrite_model_variables_...);
# Lookahead: Zhang et al. 2019, algorithm 1, with the rate that the recipe's ramp gives (airbench's alpha_schedule).


def means(key, rng, steps=12, momentum=0.9, frequency=1, overwrite=0, period=0, step_size=0.5, ramp=0):
    weights = rng.normal(size=7)
    slow, mean = weights.copy(), np.zeros(7)
    add(f"{key}/initial", weights)
    for step in range(1, steps + 1):
        move = rng.normal(size=7) * 0.1
        add(f"{key}/move/{step}", move)
        weights = weights + move
        if period and step % period == 0:
            kept = (1 - step_size) * ((step - 1) / steps) ** ramp
            slow = slow + (1 - kept) * (weights - slow)
            weights = slow.copy()
        if step % frequency == 0:
            mean = weights.copy() if step == frequency else momentum * mean + (1 - momentum) * weights
        if overwrite and step % overwrite == 0:
            weights = mean.copy()
        add(f"{key}/weights/{step}", weights)
        add(f"{key}/mean/{step}", mean)
        add(f"{key}/slow/{step}", slow)


def all_means():
    rng = np.random.default_rng(1)
    means("ema", rng)
    means("ema-every-3", rng, frequency=3, momentum=0.7)
    means("ema-overwrite", rng, overwrite=4)
    means("lookahead", rng, period=3)
    means("lookahead-ramp", rng, period=2, step_size=1 - 0.95**5, ramp=3)
    means("both", rng, period=2, step_size=0.8, frequency=2, overwrite=6)


# Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon, and airbench94_muon.py), with Keras's momentum:
# Newton-Schulz steps of fifth order, of the matrix whose rows are the outputs.


def newton_schulz(gradient, steps):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = gradient / (np.linalg.norm(gradient) + 1e-7)
    if x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if gradient.shape[0] > gradient.shape[1] else x


def muon(key, rng, shape, steps=5, momentum=0.6, nesterov=True, rate=0.1, decay=0.0, normalize=False, ns_steps=3):
    """A kernel in Keras's shape: outputs last."""

    def matrix(kernel):
        return kernel.reshape(-1, shape[-1]).T

    kernel, buffer = rng.normal(size=shape), np.zeros(shape)
    outputs, inputs = matrix(kernel).shape
    add(f"{key}/initial", kernel)
    for step in range(1, steps + 1):
        gradient = rng.normal(size=shape)
        add(f"{key}/gradient/{step}", gradient)
        buffer = momentum * buffer + gradient
        direction = gradient + momentum * buffer if nesterov else buffer
        update = newton_schulz(matrix(direction), ns_steps).T.reshape(shape)
        if normalize:
            kernel = kernel * np.sqrt(outputs) / np.linalg.norm(kernel)
            scale = 1
        else:
            scale = np.sqrt(max(1, outputs / inputs))
        kernel = kernel - rate * decay * kernel - rate * scale * update
        add(f"{key}/kernel/{step}", kernel)


def all_muons():
    rng = np.random.default_rng(2)
    for name, shape in (("wide", (3, 4)), ("tall", (9, 5)), ("large", (20, 12))):
        gradient = rng.normal(size=shape)
        add(f"newton-schulz/{name}/shape", shape)
        add(f"newton-schulz/{name}/gradient", gradient)
        for steps in (1, 3, 5):
            add(f"newton-schulz/{name}/{steps}", newton_schulz(gradient, steps))
    muon("muon-dense", rng, (5, 9))
    muon("muon-conv", rng, (3, 3, 2, 4), momentum=0.9, nesterov=False, decay=0.02, ns_steps=5)
    muon("muon-normalized", rng, (3, 3, 2, 4), normalize=True)


schedules()
all_means()
all_muons()
(pathlib.Path(__file__).parent / "numbers.txt").write_text("\n".join(LINES) + "\n")
