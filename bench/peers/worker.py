"""What every peer's process has in common: its arguments, the pictures, the weights to begin with, and the loop that
answers the driver. driver/workers.py is the other end.

The driver writes one JSON object a line; the worker answers each with one:

    (at the start)                  {"ready": true, "versions": {...}}
    {"do": "run", "steps": 20}      {"seconds": 0.31, "steps": 20}    warm: nothing is compiled within
    {"do": "losses", "steps": 5}    {"losses": [...]}                 from the given weights; needs --check
    {"do": "memory"}                {"peak_bytes": ...}               of the whole process so far
    {"do": "quit"}
"""

import argparse
import gzip
import json
import os
import pathlib
import resource
import sys

import numpy as np
from safetensors.numpy import load_file

from driver.recipe import read_recipe

DATA = pathlib.Path(os.environ.get("LAPEL_DATA", "/usr/share/datasets/fashion-mnist"))


def read_idx(path):
    """The array in a gzipped IDX file of unsigned bytes."""
    with gzip.open(path) as file:
        content = file.read()
    rank = content[3]
    shape = np.frombuffer(content, ">u4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def load_pictures(part="train", limit=0):
    """Pictures as floats from 0 to 1, [n, 28, 28, 1], and labels as int32, [n]."""
    pixels = read_idx(DATA / f"{part}-images-idx3-ubyte.gz")
    labels = read_idx(DATA / f"{part}-labels-idx1-ubyte.gz")
    if limit:
        pixels, labels = pixels[:limit], labels[:limit]
    return np.multiply(pixels[..., None], np.float32(1 / 255), dtype=np.float32), labels.astype(np.int32)


def first_weights(recipe, seed=1):
    """Weights to begin with, as Keras draws them (Glorot & Bengio 2010, uniform), under Keras's names."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in recipe.weight_shapes().items():
        if name.endswith("/kernel"):
            fans = (shape[-2] + shape[-1]) * np.prod(shape[:-2], dtype=np.int64)
            limit = np.sqrt(6 / fans)
            weights[name] = rng.uniform(-limit, limit, shape).astype(np.float32)
        else:
            filled = 1 if name.endswith(("/gamma", "/moving_variance")) else 0
            weights[name] = np.full(shape, filled, np.float32)
    return weights


def channels_first_kernel(recipe, layer, kernel):
    """The kernel of a Dense after a Flatten of pictures, for pictures in the order channels, height, width."""
    by_name = {other.name: other for other in recipe.layers}
    before = by_name.get(layer.inputs[0])
    while before is not None and before.type == "Dropout":
        before = by_name.get(before.inputs[0])
    if before is None or before.type != "Flatten" or len(before.in_shape) != 3:
        return kernel
    return kernel.reshape(*before.in_shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)


class Order:
    """The numbers of the pictures of each batch: every epoch in a new order, without the rest that fills no batch."""

    def __init__(self, count, batch, shuffle, seed=1):
        self.count, self.batch, self.shuffle = count, batch, shuffle
        self.rng = np.random.default_rng(seed)
        self.position = count

    def __next__(self):
        if self.position + self.batch > self.count:
            self.order = self.rng.permutation(self.count) if self.shuffle else np.arange(self.count)
            self.position = 0
        self.position += self.batch
        return self.order[self.position - self.batch:self.position]


def parse_arguments(modes, description):
    """The arguments of a peer; recipe and weights are read."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", required=True, help="recipe of Lapel with the model")
    parser.add_argument("--mode", required=True, choices=modes)
    parser.add_argument("--batch", type=int, required=True, help="pictures in a step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", help="safetensors file with the weights, under Keras's names; if left out, drawn")
    parser.add_argument("--check", action="store_true", help="no dropout, pictures in order: losses can be compared")
    args = parser.parse_args()
    args.recipe = read_recipe(args.recipe)
    args.weights = load_file(args.weights) if args.weights else first_weights(args.recipe)
    if args.check:
        for layer in args.recipe.layers:
            if layer.type == "Dropout":
                layer.options["rate"] = 0.0
    return args


def serve(modes, description, make_peer, versions):
    """A worker's main: makes the peer and answers the driver until it says quit.

    `make_peer(args)` gives an object with run(steps), which returns (seconds, steps taken), and losses(steps).
    """
    args = parse_arguments(modes, description)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer

    def answer(**values):
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    peer = make_peer(args)
    answer(ready=True, versions=versions)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "run":
            seconds, steps = peer.run(request["steps"])
            answer(seconds=seconds, steps=steps)
        elif request["do"] == "losses":
            answer(losses=[float(loss) for loss in peer.losses(request["steps"])])
        elif request["do"] == "memory":
            answer(peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
        else:
            return
