#!/usr/bin/env python3
"""Makes Tests/Oracle/onnx: small networks by onnx.helper, with outputs of ONNX Runtime.

pip install onnx onnxruntime; then python3 Tests/Oracle/make_onnx.py. Weights and inputs are drawn from fixed seeds.
"""
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

FOLDER = pathlib.Path(__file__).parent / "onnx"


class Network:
    """A graph under construction; a step's result is its name."""

    def __init__(self, name, shape, opset=17, batch="n"):
        self.name, self.opset = name, opset
        self.random = np.random.default_rng(sum(name.encode()))
        self.nodes, self.constants, self.shape = [], [], shape
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])]

    def put(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def weights(self, *shape, scale=None):
        fan = int(np.prod(shape[1:])) or 1
        return self.put((self.random.normal(size=shape) * (scale or fan**-0.5)).astype(np.float32))

    def ints(self, *values):
        return self.put(np.array(values, np.int64))

    def __call__(self, kind, *inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, i, o, *kernel, group=1, **attributes):
        return self("Conv", x, self.weights(o, i // group, *kernel), self.weights(o), group=group, **attributes)

    def finish(self, *outputs, rows=6):
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, self.name, self.inputs, infos, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        model.producer_name = "make_onnx.py"
        model = onnx.shape_inference.infer_shapes(model)
        del model.graph.value_info[:]
        session = onnxruntime.InferenceSession(model.SerializeToString())
        x = self.random.normal(size=(rows, *self.shape)).astype(np.float32)
        results = [
            np.concatenate([session.run([name], {"x": row[None]})[0].reshape(1, -1) for row in x]) for name in outputs
        ]
        onnx.save(model, FOLDER / f"{self.name}.onnx")
        np.save(FOLDER / f"{self.name}.input.npy", x)
        for index, result in enumerate(results):
            np.save(FOLDER / f"{self.name}.output{index}.npy", result)


def twelve_leads():
    n = Network("twelve_leads", (12, 64))
    x = n.conv("x", 12, 8, 5, pads=[2, 2], strides=[2])
    x = n("BatchNormalization", x, n.weights(8), n.weights(8), n.weights(8), n.put(np.full(8, 0.7, np.float32)))
    x = n("Relu", x)
    x = n("MaxPool", x, kernel_shape=[3], strides=[2], ceil_mode=1)
    x = n.conv(x, 8, 12, 4, group=4, auto_pad="SAME_UPPER")
    x = n.conv(x, 12, 12, 3, group=12, dilations=[2], pads=[4, 0])
    x = n("LeakyRelu", x, alpha=0.2)
    x = n("Flatten", x)
    x = n("Gemm", x, n.weights(192, 5, scale=0.1), n.weights(5), alpha=0.5, beta=2.0)
    n.finish(n("Softmax", x))


def squeeze_excite():
    n = Network("squeeze_excite", (3, 10, 8))
    x = n.conv("x", 3, 8, 3, 3, pads=[1, 0, 1, 2])
    gate = n("GlobalAveragePool", x)
    gate = n("HardSigmoid", n.conv(n("Relu", n.conv(gate, 8, 4, 1, 1)), 4, 8, 1, 1), alpha=0.2)
    x = n("Mul", x, gate)
    a, b = n("Split", x, n.ints(3, 5), outputs=2, axis=1)
    b = n("AveragePool", b, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
    x = n("Concat", b, a, axis=1)
    x = n("PRelu", x, n.weights(8, 1, 1))
    x = n("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1], count_include_pad=0)
    x = n("Reshape", x, n.ints(0, 2, 4, 5, -1))
    x = n("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = n("Reshape", x, n.ints(-1, 8, 5, 4))
    x = n.conv(x, 8, 16, 3, 3, group=8)
    n.finish(n("ReduceMax", x, axes=[2, 3], keepdims=0))


def functions():
    n = Network("functions", (4, 9), opset=20)
    x = n.conv("x", 4, 4, 1)
    half = n("Mul", x, n.put(np.float32(0.5)))
    erf = n("Erf", n("Div", x, n.put(np.float32(2**0.5))))
    gelu = n("Mul", n("Add", erf, n.put(np.float32(1))), half)
    parts = [gelu, n("Mul", x, n("Sigmoid", x)), n("Gelu", x), n("HardSwish", x), n("Elu", x, alpha=0.7), n("Selu", x)]
    parts += [n("Tanh", x), n("Softplus", x), n("Softsign", x), n("Mish", x), n("Clip", x, n.put(np.float32(-0.4)), "")]
    parts += [n("Sqrt", n("Exp", x)), n("Pow", x, n.put(np.float32(2))), n("Neg", n("Abs", x)), n("Erf", x)]
    parts += [n("Div", n.put(np.float32(2)), n("Add", n("Pow", x, n.put(np.float32(2))), n.put(np.float32(1))))]
    parts += [n("Max", x, half), n("Min", x, n.put(np.float32(0.1))), n("Sub", n.put(np.float32(1)), x)]
    n.finish(n("Concat", *parts, axis=1))


def rearranged():
    n = Network("rearranged", (6, 20))
    x = n("Pad", "x", n.ints(0, 0, 3, 0, 0, 2), mode="reflect")
    x = n("Pad", x, n.ints(0, 0, 1, 0, 0, 1), mode="edge")
    x = n.conv(x, 6, 6, 3)
    y = n("Slice", x, n.ints(-1), n.ints(-100), n.ints(2), n.ints(-2))
    y = n("Unsqueeze", n("Squeeze", n("Gather", y, n.ints(1, 4, 5), axis=1), n.ints(0)), n.ints(0))
    z = n("Resize", y, "", n.put(np.array([1, 1, 2], np.float32)), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    z = n("Pad", z, n.ints(0, 1, 0, 0, 2, 1), n.put(np.float32(0.25)))
    z = n("Slice", z, n.ints(0), n.ints(24), n.ints(2))
    z = n("Add", z, n("ReduceMean", x, axes=[2], keepdims=1))
    z = n("Sub", z, n("Expand", n("ReduceSum", x, n.ints(1, 2), keepdims=1), n.ints(1, 6, 1)))
    flat = n("Gemm", n("Flatten", z), n.weights(3, 144), n.weights(3), transB=1)
    side = n("MatMul", n("Transpose", z, perm=[0, 2, 1]), n.weights(6, 4))
    side = n("LayerNormalization", n("Add", side, n.weights(4)), n.weights(4), n.weights(4))
    n.finish(flat, n("LogSoftmax", side, axis=1))


def greatest():
    n = Network("greatest", (2, 6, 5))
    x = n("Relu", n.conv("x", 2, 4, 3, 3))
    n.finish(n("Flatten", n("GlobalMaxPool", x)))
def two_blocks():
    n = Network("two_blocks", (3, 40))
    x = n("Relu", n.conv("x", 3, 8, 5, pads=[2, 2], strides=[2]))
    y = n("LeakyRelu", n.conv(x, 8, 8, 3, group=8, pads=[2, 0]), alpha=0.1)
    x = n("MaxPool", n("Add", x, y), kernel_shape=[2], strides=[2])
    n.finish(n("Gemm", n("Flatten", x), n.weights(4, 80), n.weights(4), transB=1), rows=24)


def attention():
    n = Network("attention", (2, 12))
    x = n("Transpose", n.conv("x", 2, 8, 3), perm=[0, 2, 1])

    def heads(perm):
        y = n("Add", n("MatMul", x, n.weights(8, 8)), n.weights(8))
        return n("Transpose", n("Reshape", y, n.ints(0, 0, 2, 4)), perm=perm)

    scores = n("Mul", n("MatMul", heads([0, 2, 1, 3]), heads([0, 2, 3, 1])), n.put(np.float32(0.5)))
    y = n("MatMul", n("Softmax", scores, axis=-1), heads([0, 2, 1, 3]))
    y = n("Reshape", n("Transpose", y, perm=[0, 2, 1, 3]), n.ints(0, 0, 8))
    y = n("LayerNormalization", n("Add", x, y), n.weights(8), n.weights(8))
    y = n("MatMul", n.weights(3, 10), y)
    n.finish(n("Flatten", y))


def time_first():
    n = Network("time_first", (30, 3), opset=18)
    x = n("Transpose", "x", perm=[0, 2, 1])
    x = n("Sub", x, n.put(np.array([[[0.1], [0.2], [-0.3]]], np.float32)))
    x = n("Relu", n.conv(x, 3, 8, 3, pads=[2, 0]))
    shape = n("Shape", x)
    batch = n("Gather", shape, n.put(np.int64(0)))
    flat = n("Concat", n("Unsqueeze", batch, n.ints(0)), n.ints(-1), axis=0)
    x = n("Gemm", n("Reshape", x, flat), n.weights(4, 240), n.weights(4), transB=1)
    n.finish(x)


def signs():
    """Whether pulses in two leads are of one sign or of two, by hand: neither lead tells, and they don't count alike."""
    n = Network("signs", (2, 20))
    taps = np.array([[1, 0.5], [-1, -0.5], [1, -0.5], [-1, 0.5]], np.float32)[:, :, None]
    x = n("Relu", n("Conv", "x", n.put(taps), n.put(np.zeros(4, np.float32))))
    x = n("Flatten", n("GlobalMaxPool", x))
    pairs = np.array([[1, 1, -1, -1], [-1, -1, 1, 1]], np.float32)
    n.finish(n("Gemm", x, n.put(pairs), n.put(np.zeros(2, np.float32)), transB=1))


def recurrent(kind, gates, directions):
    n = Network(f"{kind.lower()}_{directions}", (5, 7))
    units = 6
    x = n("Transpose", "x", perm=[2, 0, 1])
    attributes = {"linear_before_reset": 1} if kind == "GRU" and directions == 1 else {}
    direction = ["forward", "bidirectional"][directions - 1]
    y, last = n(kind, x, n.weights(directions, gates * units, 5), n.weights(directions, gates * units, units),
                n.weights(directions, 2 * gates * units), outputs=2, hidden_size=units, direction=direction, **attributes)
    y = n("Reshape", n("Transpose", y, perm=[2, 0, 1, 3]), n.ints(0, 0, -1))
    y = n("ReduceMean", y, axes=[1], keepdims=0)
    last = n("Flatten", n("Transpose", last, perm=[1, 0, 2]))
    n.finish(n("Gemm", n("Concat", y, last, axis=1), n.weights(4, 12 * directions), transB=1))


class Rows(CalibrationDataReader):
    """The samples that ranges are measured on."""

    def __init__(self, samples):
        self.rows = iter(samples)

    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"x": row[None]}


def quantized(name):
    """ONNX Runtime's integers of a network: int8 weights, a scale a channel, uint8 or int8 activations."""
    samples = np.load(FOLDER / f"{name}.input.npy")
    for suffix, kind in (("int8", QuantType.QInt8), ("uint8", QuantType.QUInt8)):
        file = FOLDER / f"{name}_{suffix}.onnx"
        quantize_static(FOLDER / f"{name}.onnx", file, Rows(samples), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=kind, weight_type=QuantType.QInt8)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(str(file), options)
        results = np.concatenate([session.run(None, {"x": row[None]})[0].reshape(1, -1) for row in samples])
        np.save(FOLDER / f"{name}_{suffix}.output0.npy", results)


def main():
    FOLDER.mkdir(exist_ok=True)
    for make in (twelve_leads, squeeze_excite, functions, rearranged, greatest, two_blocks, attention, time_first, signs):
        make()
    for directions in (1, 2):
        recurrent("GRU", 3, directions)
        recurrent("LSTM", 4, directions)
    quantized("two_blocks")


main()
