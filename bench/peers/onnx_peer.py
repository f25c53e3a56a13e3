"""ONNX Runtime as a worker of the comparison in use (worker.py has the protocol); a step is the prediction of a batch.

The model is the recipe's, as ONNX with float32 weights, pictures in the order channels, height, width. Every session has
all graph optimizations. The modes, of which the fastest counts:

    run               session.run
    bound             run_with_iobinding: input and output stay in place
    bound-1-thread    the same on one thread
"""

import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import worker

MODES = ["run", "bound", "bound-1-thread"]
VERSIONS = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__}

OPSET = 17


class Builder:
    """Makes ONNX nodes of layers; `values` has the name of the result of each layer."""

    def __init__(self, recipe, weights):
        self.recipe, self.weights = recipe, weights
        self.nodes, self.initializers = [], []
        self.values = {"input_layer": "input_layer"}
        self.channels_first = any(layer.type == "Conv2D" for layer in recipe.layers)

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def weight(self, layer, name):
        return self.weights[f"{layer.name}/{name}"]

    def dense(self, layer, x):
        kernel = self.weight(layer, "kernel")
        if self.channels_first:
            kernel = worker.channels_first_kernel(self.recipe, layer, kernel)
        kernel = self.constant(f"{layer.name}/kernel", kernel)
        if "bias" not in layer.weights:
            return self.node("MatMul", [x, kernel], layer.name)
        bias = self.constant(f"{layer.name}/bias", self.weight(layer, "bias"))
        if len(layer.in_shape) == 1:
            return self.node("Gemm", [x, kernel, bias], layer.name)
        return self.node("Add", [self.node("MatMul", [x, kernel], f"{layer.name}/product"), bias], layer.name)

    def conv2d(self, layer, x):
        inputs = [x, self.constant(f"{layer.name}/kernel", self.weight(layer, "kernel").transpose(3, 2, 0, 1))]
        if "bias" in layer.weights:
            inputs.append(self.constant(f"{layer.name}/bias", self.weight(layer, "bias")))
        padding = "SAME_UPPER" if layer.options.get("padding") == "same" else "VALID"
        return self.node("Conv", inputs, layer.name, auto_pad=padding)

    def batch_normalization(self, layer, x):
        inputs = [self.constant(f"{layer.name}/{name}", self.weight(layer, name)) for name in layer.weights]
        return self.node("BatchNormalization", [x, *inputs], layer.name, epsilon=1e-3)

    def add(self, layer):
        x = self.values[layer.inputs[0]]
        makers = {
            "Dense": lambda: self.dense(layer, x),
            "Conv2D": lambda: self.conv2d(layer, x),
            "BatchNormalization": lambda: self.batch_normalization(layer, x),
            "MaxPooling2D": lambda: self.node("MaxPool", [x], layer.name, kernel_shape=[2, 2], strides=[2, 2]),
            "GlobalMaxPooling2D": lambda: self.node(
                "Flatten", [self.node("GlobalMaxPool", [x], f"{layer.name}/maxima")], layer.name),
            "Flatten": lambda: self.node("Flatten", [x], layer.name),
            "Add": lambda: self.node("Add", [self.values[name] for name in layer.inputs], layer.name),
            "Activation": lambda: x,
            "Dropout": lambda: x,
        }
        y = makers[layer.type]()
        activation = layer.options.get("activation", "linear")
        if activation == "relu":
            y = self.node("Relu", [y], f"{layer.name}/relu")
        elif activation == "softmax":
            y = self.node("Softmax", [y], f"{layer.name}/softmax")
        self.values[layer.name] = y


def picture_shape(recipe):
    """The shape of one picture as the ONNX model takes it; both orders are the same bytes."""
    return (1, 28, 28) if any(layer.type == "Conv2D" for layer in recipe.layers) else (28, 28, 1)


def make_model(recipe, weights, batch="batch"):
    """The recipe's model as an ONNX ModelProto from pictures to probabilities."""
    builder = Builder(recipe, weights)
    for layer in recipe.layers:
        builder.add(layer)
    output = builder.values[recipe.layers[-1].name]
    graph = helper.make_graph(
        builder.nodes, recipe.path.stem,
        [helper.make_tensor_value_info("input_layer", TensorProto.FLOAT, [batch, *picture_shape(recipe)])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [batch, *recipe.layers[-1].out_shape])],
        builder.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def make_session(model, threads):
    """A session of a ModelProto (bytes) or of the path of a model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Peer:
    """A session that predicts the first pictures of the training part again and again."""

    def __init__(self, args):
        model = make_model(args.recipe, args.weights, args.batch)
        self.session = make_session(model.SerializeToString(), 1 if args.mode.endswith("1-thread") else args.threads)
        pictures, self.labels = worker.load_pictures(limit=args.batch)
        self.pictures = pictures.reshape(-1, *picture_shape(args.recipe))
        self.output = self.session.get_outputs()[0].name
        binding = self.session.io_binding()
        binding.bind_cpu_input("input_layer", self.pictures)
        binding.bind_output(self.output)
        inputs = {"input_layer": self.pictures}
        self.predict = {
            "run": lambda: self.session.run(None, inputs),
            "bound": lambda: self.session.run_with_iobinding(binding),
        }[args.mode.removesuffix("-1-thread")]

    def run(self, steps):
        predict = self.predict
        start = time.perf_counter()
        for _ in range(steps):
            predict()
        return time.perf_counter() - start, steps

    def losses(self, steps):
        """The loss on the same pictures, as often as asked."""
        probabilities = self.session.run(None, {"input_layer": self.pictures})[0]
        picked = probabilities[np.arange(len(self.labels)), self.labels]
        return [-np.log(picked).mean()] * steps


if __name__ == "__main__":
    worker.serve(MODES, __doc__, Peer, VERSIONS)
