"""As much of PyTorch as the files need that `lapel export --to torch` writes, in NumPy and float64, by the formulas of
PyTorch's documentation; and safetensors' reader. `install()` puts them where `import torch` finds them."""

import json
import math
import pathlib
import sys
import types

import numpy as np


class Tensor(np.ndarray):
    """An array with the methods of a tensor that differ from NumPy's."""

    def permute(self, *axes):
        return self.transpose(axes)

    def flatten(self, start=0):
        return self.reshape(*self.shape[:start], -1)

    def to(self, dtype):
        return self.astype(np.float64 if dtype is np.float32 else dtype)

    def amax(self, axes):
        return self.max(axes)


def tensor(values):
    return np.asarray(values).view(Tensor)


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def windows(x, size, strides):
    """n, c, out height, out width, window height, window width."""
    seen = np.lib.stride_tricks.sliding_window_view(x, size, (2, 3))
    return seen[:, :, :: strides[0], :: strides[1]]


class Module:
    training = True

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def parts(self):
        return {name: one for name, one in vars(self).items() if isinstance(one, Module)}

    def eval(self):
        self.training = False
        for one in self.parts().values():
            one.eval()
        return self

    def state(self):
        """The names and shapes that a state dict has for it."""
        own = {name: one.shape for name, one in vars(self).items() if isinstance(one, np.ndarray)}
        for name, part in self.parts().items():
            own.update({f"{name}.{key}": shape for key, shape in part.state().items()})
        return own

    def load_state_dict(self, tensors):
        """Strict, but for the counters of batches, which PyTorch adds by itself to a plain dict."""
        wanted = {name: tuple(shape) for name, shape in self.state().items()}
        given = {name: tuple(one.shape) for name, one in tensors.items()}
        if wanted != given:
            raise RuntimeError(f"state dict differs: {sorted(wanted.items() ^ given.items())}")
        for name, one in tensors.items():
            *path, last = name.split(".")
            place = self
            for step in path:
                place = getattr(place, step)
            setattr(place, last, tensor(one.astype(np.float64)))


class Conv2d(Module):
    def __init__(self, inputs, outputs, kernel_size, stride=1, padding=0, bias=True):
        self.stride, self.padding, self.size = pair(stride), pair(padding), pair(kernel_size)
        self.weight = tensor(np.zeros((outputs, inputs, *self.size)))
        self.bias = tensor(np.zeros(outputs)) if bias else None

    def forward(self, x):
        (top, left) = self.padding
        x = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
        y = np.tensordot(windows(x, self.size, self.stride), self.weight, ((1, 4, 5), (1, 2, 3)))
        return tensor(y if self.bias is None else y + self.bias).transpose(0, 3, 1, 2)


class Linear(Module):
    def __init__(self, inputs, outputs, bias=True):
        self.weight = tensor(np.zeros((outputs, inputs)))
        self.bias = tensor(np.zeros(outputs)) if bias else None

    def forward(self, x):
        y = x @ self.weight.T
        return y if self.bias is None else y + self.bias


class BatchNorm1d(Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        self.eps = eps
        self.weight, self.bias, self.running_mean, self.running_var = (tensor(np.zeros(channels)) for _ in range(4))

    def forward(self, x):
        weight, bias, mean, var = (
            one.reshape(1, -1, *[1] * (x.ndim - 2)) for one in (self.weight, self.bias, self.running_mean, self.running_var))
        return (x - mean) / np.sqrt(var + self.eps) * weight + bias


def softmax(x, axis):
    power = np.exp(x - x.max(axis, keepdims=True))
    return power / power.sum(axis, keepdims=True)


def pad(x, amounts, value=0.0):
    left, right, top, bottom = amounts
    return tensor(np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value))


def clamp(x, min=-np.inf, max=np.inf):
    return np.minimum(np.maximum(x, min), max)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def read_safetensors(file):
    data = pathlib.Path(file).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__")
    return {name: np.frombuffer(data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], "<f4").reshape(
        entry["shape"]) for name, entry in header.items()}


def install():
    functional = types.SimpleNamespace(
        relu=lambda x: np.maximum(x, 0),
        gelu=lambda x: x / 2 * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2))),
        softmax=softmax,
        leaky_relu=lambda x, slope=0.01: np.where(x < 0, slope * x, x).view(Tensor),
        elu=lambda x, alpha=1.0: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x).view(Tensor),
        relu6=lambda x: clamp(x, 0, 6),
        silu=lambda x: x * sigmoid(x),
        hardswish=lambda x: x * clamp(x + 3, 0, 6) / 6,
        dropout=lambda x, rate, training: x if not training else NotImplemented,
        max_pool2d=lambda x, size, strides: tensor(windows(x, size, strides).max((4, 5))),
        avg_pool2d=lambda x, size, strides: tensor(windows(x, size, strides).mean((4, 5))),
        pad=pad,
    )
    nn = types.SimpleNamespace(Module=Module, Conv2d=Conv2d, Linear=Linear, BatchNorm1d=BatchNorm1d,
                               BatchNorm2d=BatchNorm1d, functional=functional)
    torch = types.SimpleNamespace(
        nn=nn, float32=np.float32, as_tensor=tensor, tanh=np.tanh, sigmoid=sigmoid, softmax=softmax, clamp=clamp,
        where=lambda condition, a, b: tensor(np.where(condition, a, b)), flip=lambda x, axes: np.flip(x, axes),
        arange=lambda count: tensor(np.arange(count)), ones_like=lambda x: tensor(np.ones_like(x)))
    sys.modules.update({"torch": torch, "torch.nn": nn, "torch.nn.functional": functional,
                        "safetensors": types.ModuleType("safetensors"),
                        "safetensors.torch": types.SimpleNamespace(load_file=read_safetensors)})
