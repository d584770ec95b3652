#!/usr/bin/env python3
"""Run a model image's network in TensorFlow Lite Micro and compare with the engine's outputs.

usage: check_tflm.py MODEL.qinf INPUTS.npy OUTPUTS.npy      (needs: pip install --pre numpy ai-edge-litert tflite-micro)

The image is read by this script's own reader, written as a .tflite file with the same integers, and run on
TFLM's reference kernels. INPUTS.npy holds a window a row, OUTPUTS.npy what the engine made of it, both int8.
Prints the number of values compared and of those that differ; exits with 1 where any does.
"""
import struct
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from tflite_micro.python.tflite_micro import runtime

CONVOLUTION, FULLY_CONNECTED = 3, 9


class Image:
    """The parts of a model image (format version 1) that define its network."""

    def __init__(self, data):
        self.data = data
        assert data[:4] == b"QINF" and self.u16(4) == 1, "no model image of version 1"
        tensors, tensor_count, operators, operator_count = (self.u32(o) for o in (28, 32, 36, 40))
        self.input, self.output = self.u32(44), self.u32(48)
        self.tensors = [self.tensor(tensors + 28 * k) for k in range(tensor_count)]
        self.operators = [self.operator(operators + 44 * k) for k in range(operator_count)]

    def u16(self, offset):
        return struct.unpack_from("<H", self.data, offset)[0]

    def u32(self, offset):
        return struct.unpack_from("<I", self.data, offset)[0]

    def tensor(self, place):
        zero_point, scale = struct.unpack_from("<if", self.data, place + 16)
        return {"shape": [self.u32(place + 4 + 4 * k) for k in range(3)], "zero_point": zero_point,
                "scale": np.float32(scale)}

    def operator(self, place):
        kind, source, target = struct.unpack_from("<3H", self.data, place)
        kernel, stride, dilation, before, after = (
            tuple(self.data[place + 6 + 2 * k:place + 8 + 2 * k]) for k in range(5))
        lowest, highest = struct.unpack_from("<2h", self.data, place + 16)
        weights, biases, multipliers, shifts = (self.u32(place + 20 + 4 * k) for k in range(4))
        a, b = self.tensors[source], self.tensors[target]
        channels = b["shape"][2]
        per_channel = (int(np.prod(a["shape"])) if kind == FULLY_CONNECTED
                       else kernel[0] * kernel[1] * a["shape"][2])
        w = np.frombuffer(self.data, np.int8, channels * per_channel, weights).reshape(channels, per_channel)
        # The image holds biases with the input's zero point folded in, and multipliers in place of scales.
        bias = np.frombuffer(self.data, "<i4", channels, biases) + a["zero_point"] * w.astype(np.int64).sum(1)
        factor = (np.frombuffer(self.data, "<i4", channels, multipliers).astype(np.float64)
                  * 2.0 ** (np.frombuffer(self.data, np.int8, channels, shifts).astype(np.float64) - 31))
        scales = (factor * np.float64(b["scale"]) / np.float64(a["scale"])).astype(np.float32)
        assert before == after == (0, 0), "only unpadded operators are compared"
        return {"kind": kind, "input": source, "output": target, "kernel": kernel, "stride": stride,
                "dilation": dilation, "relu": lowest == b["zero_point"] and lowest > -128 or
                (lowest == -128 and b["zero_point"] == -128), "range": (lowest, highest), "weights": w,
                "biases": bias.astype(np.int32), "scales": scales}


def tflite(image):
    """The network as a .tflite model: time is the height, frequency the width."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    graph.tensors, graph.operators = [], []

    def quantization(scales, zero_points):
        q = schema.QuantizationParametersT()
        q.scale, q.zeroPoint, q.quantizedDimension = [float(s) for s in scales], list(zero_points), 0
        return q

    def tensor(name, shape, kind, values, scales, zero_points):
        t = schema.TensorT()
        t.name, t.shape, t.type = name.encode(), list(shape), kind
        t.quantization, t.buffer = quantization(scales, zero_points), 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            model.buffers.append(buffer)
            t.buffer = len(model.buffers) - 1
        graph.tensors.append(t)
        return len(graph.tensors) - 1

    for k, t in enumerate(image.tensors):
        tensor(f"t{k}", [1] + t["shape"], schema.TensorType.INT8, None, [t["scale"]], [t["zero_point"]])
    for k, operator in enumerate(image.operators):
        is_dense = operator["kind"] == FULLY_CONNECTED
        source = image.tensors[operator["input"]]
        channels, count = operator["weights"].shape
        shape = [channels, count] if is_dense else [channels, *operator["kernel"], source["shape"][2]]
        weights = tensor(f"w{k}", shape, schema.TensorType.INT8, operator["weights"], operator["scales"],
                         [0] * channels)
        biases = tensor(f"b{k}", [channels], schema.TensorType.INT32, operator["biases"],
                        [float(source["scale"]) * float(s) for s in operator["scales"]], [0] * channels)
        code, op = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = operator["kind"]
        code.version = 4 if is_dense else 3
        model.operatorCodes.append(code)
        activation = (schema.ActivationFunctionType.RELU if operator["relu"]
                      else schema.ActivationFunctionType.NONE)
        if is_dense:
            options = schema.FullyConnectedOptionsT()
            op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        else:
            options = schema.Conv2DOptionsT()
            options.padding = schema.Padding.VALID
            options.strideH, options.strideW = operator["stride"]
            options.dilationHFactor, options.dilationWFactor = operator["dilation"]
            op.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
        options.fusedActivationFunction = activation
        op.opcodeIndex, op.builtinOptions = len(model.operatorCodes) - 1, options
        op.inputs, op.outputs = [operator["input"], weights, biases], [operator["output"]]
        graph.operators.append(op)
        # A .tflite's dense operator flattens its input itself, but gives [1, channels].
        if is_dense:
            graph.tensors[operator["output"]].shape = [1, channels]
    graph.inputs, graph.outputs, model.subgraphs = [image.input], [image.output], [graph]
    return flatbuffer_utils.convert_object_to_bytearray(model)


def main(arguments):
    if len(arguments) != 3:
        sys.exit(__doc__)
    image = Image(open(arguments[0], "rb").read())
    windows, expected = np.load(arguments[1]), np.load(arguments[2])
    interpreter = runtime.Interpreter.from_bytes(bytes(tflite(image)), arena_size=1 << 20)
    shape = interpreter.get_input_details(0)["shape"]
    differing = 0
    for window, row in zip(windows, expected):
        interpreter.set_input(np.ascontiguousarray(window.reshape(shape)), 0)
        interpreter.invoke()
        differing += int((np.array(interpreter.get_output(0)).reshape(-1) != row).sum())
    print(f"{len(windows)} windows, {expected.size} values compared, {differing} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
