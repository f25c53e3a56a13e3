"""PyTorch as a worker of the comparison (worker.py has the protocol).

The training pictures are one tensor in memory, a batch is one index_select of a random order. The model is an
nn.Sequential where it is a sequence, the loss is cross_entropy of logits, the optimizer the fused one, and gradients are
set to None. The modes, of which the fastest counts:

    eager             as the textbook writes it
    channels-last     convolutions and pictures in torch.channels_last
    compile           model and loss through torch.compile
    compile-channels-last
    ...-bf16          under autocast to bfloat16
"""

import contextlib
import time

import numpy as np
import torch
from torch import nn

import worker

KINDS = ("eager", "channels-last", "compile", "compile-channels-last")
MODES = [kind + precision for precision in ("", "-bf16") for kind in KINDS]
VERSIONS = {"torch": torch.__version__}


def make_module(layer):
    """The module of a layer with its activation. The last softmax is left to the loss."""
    options = layer.options
    bias = options.get("use_bias", True)
    channels, filters = layer.in_shape[-1], layer.out_shape[-1]
    makers = {
        "Flatten": nn.Flatten,
        "Dense": lambda: nn.Linear(channels, filters, bias=bias),
        "Conv2D": lambda: nn.Conv2d(channels, filters, options["kernel_size"],
                                    padding=options.get("padding", "valid"), bias=bias),
        "MaxPooling2D": lambda: nn.MaxPool2d(2),
        "GlobalMaxPooling2D": lambda: nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten()),
        "BatchNormalization": lambda: nn.BatchNorm2d(channels, eps=1e-3, momentum=1 - options.get("momentum", 0.99)),
        "Activation": nn.Identity,
        "Dropout": lambda: nn.Dropout(options["rate"]),
        "Add": nn.Identity,
    }
    module = makers[layer.type]()
    return nn.Sequential(module, nn.ReLU(inplace=True)) if options.get("activation") == "relu" else module


class Graph(nn.Module):
    """A network in which an Add takes two layers and every other layer the one before it."""

    def __init__(self, layers):
        super().__init__()
        self.parts = nn.ModuleDict({layer.name: make_module(layer) for layer in layers})
        self.added = {layer.name: layer.inputs for layer in layers if layer.type == "Add"}
        self.kept = {name for names in self.added.values() for name in names}

    def forward(self, x):
        kept = {}
        for name, part in self.parts.items():
            x = torch.add(*(kept[source] for source in self.added[name])) if name in self.added else part(x)
            if name in self.kept:
                kept[name] = x
        return x


def is_channels_first(recipe):
    """Whether the network takes pictures as [n, 1, 28, 28], as PyTorch's convolutions want them."""
    return any(layer.type == "Conv2D" for layer in recipe.layers)


def arrange(recipe, pictures):
    """Pictures [n, 28, 28, 1] in the order that the network takes; the same bytes in both."""
    return pictures.reshape(-1, 1, 28, 28) if is_channels_first(recipe) else pictures


def make_model(recipe):
    """The network. Its last softmax is left to the loss."""
    if any(layer.type == "Add" for layer in recipe.layers):
        return Graph(recipe.layers)
    return nn.Sequential(*(make_module(layer) for layer in recipe.layers))


def set_weights(model, recipe, weights):
    """Copies weights under Keras's names, in Keras's layouts, into the network."""
    modules = model.parts.values() if isinstance(model, Graph) else model
    torch_names = {"kernel": "weight", "gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
                   "moving_variance": "running_var"}
    for layer, module in zip(recipe.layers, modules):
        target = module[0] if isinstance(module, nn.Sequential) else module
        for name in layer.weights:
            value = weights[f"{layer.name}/{name}"]
            if name == "kernel" and layer.type == "Conv2D":
                value = value.transpose(3, 2, 0, 1)
            elif name == "kernel":
                value = (worker.channels_first_kernel(recipe, layer, value) if is_channels_first(recipe) else value).T
            with torch.no_grad():
                getattr(target, torch_names.get(name, name)).copy_(torch.from_numpy(np.ascontiguousarray(value)))


def make_optimizer(parameters, options):
    if options["type"] == "Adam":
        return torch.optim.Adam(parameters, lr=options.get("learning_rate", 1e-3), eps=1e-7, fused=True)
    return torch.optim.SGD(parameters, lr=options.get("learning_rate", 0.01), momentum=options.get("momentum", 0),
                           nesterov=options.get("nesterov", False), fused=True)


class Peer:
    """A network in training on Fashion-MNIST."""

    def __init__(self, args):
        torch.set_num_threads(args.threads)
        torch.manual_seed(1)
        recipe = args.recipe
        self.model = make_model(recipe)
        set_weights(self.model, recipe, args.weights)
        pictures, labels = worker.load_pictures(limit=recipe.limit)
        self.pictures = torch.from_numpy(arrange(recipe, pictures))
        self.labels = torch.from_numpy(labels).long()
        if "channels-last" in args.mode:
            self.model = self.model.to(memory_format=torch.channels_last)
            self.pictures = self.pictures.to(memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.model.parameters(), recipe.optimizer)
        self.order = worker.Order(len(labels), args.batch, shuffle=not args.check)
        self.step = self.make_step(args.mode)

    def make_step(self, mode):
        """A function of a batch that takes one training step and gives the loss."""
        criterion = nn.CrossEntropyLoss()
        bf16 = mode.endswith("-bf16")

        def forward(x, y):
            with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
                return criterion(self.model(x), y)

        if mode.startswith("compile"):
            forward = torch.compile(forward)

        def step(x, y):
            loss = forward(x, y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            return loss.detach()

        return step

    def train(self, steps):
        """Takes steps; gives the loss of each."""
        losses = []
        for _ in range(steps):
            chosen = torch.from_numpy(next(self.order))
            losses.append(self.step(self.pictures.index_select(0, chosen), self.labels.index_select(0, chosen)))
        return losses

    def run(self, steps):
        start = time.perf_counter()
        self.train(steps)
        return time.perf_counter() - start, steps

    losses = train


if __name__ == "__main__":
    worker.serve(MODES, __doc__, Peer, VERSIONS)
