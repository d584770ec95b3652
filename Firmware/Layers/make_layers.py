"""Makes the single layers that `make firmware-report` counts, as .tflite, with random int8 weights.

Needs PyPI's tflite-micro, for its schema. Then: exporter import NAME.tflite --output NAME.qinf
"""

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as s

random = np.random.default_rng(1)


def tensor(buffers, shape, kind, scales, zeros, data=None, axis=0):
    t = s.TensorT()
    t.shape, t.type, t.name = shape, kind, f"t{len(buffers)}".encode()
    q = s.QuantizationParametersT()
    q.scale, q.zeroPoint, q.quantizedDimension = scales, zeros, axis
    t.quantization = q
    b = s.BufferT()
    if data is not None:
        b.data = np.frombuffer(data.tobytes(), np.uint8)
    buffers.append(b)
    t.buffer = len(buffers) - 1
    return t


def layer(name, code, options_type, options, input_shape, weight_shape, output_shape, channels, axis):
    buffers = [s.BufferT()]
    int8, int32 = s.TensorType.INT8, s.TensorType.INT32
    weights = random.integers(-127, 128, weight_shape, np.int8)
    count = int(np.prod(weight_shape)) // channels
    scales = [float(x) for x in random.uniform(0.002, 0.004, channels)]
    tensors = [
        tensor(buffers, input_shape, int8, [0.05], [-1]),
        tensor(buffers, weight_shape, int8, scales, [0] * channels, weights, axis),
        tensor(buffers, [channels], int32, [0.05 * x for x in scales], [0] * channels,
               random.integers(-2000, 2000, channels, np.int32)),
        tensor(buffers, output_shape, int8, [0.02 * count**0.5], [-3]),
    ]
    op = s.OperatorT()
    op.inputs, op.outputs, op.builtinOptionsType, op.builtinOptions = [0, 1, 2], [3], options_type, options
    graph = s.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [0], [3], [op]
    oc = s.OperatorCodeT()
    oc.builtinCode, oc.deprecatedBuiltinCode, oc.version = code, min(code, 127), 3
    model = s.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [oc], [graph], buffers
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    with open(f"{name}.tflite", "wb") as file:
        file.write(builder.Output())


def convolution():
    o = s.Conv2DOptionsT()
    o.padding, o.strideW, o.strideH, o.dilationWFactor, o.dilationHFactor = s.Padding.SAME, 1, 1, 1, 1
    return o


def depthwise():
    o = s.DepthwiseConv2DOptionsT()
    o.padding, o.strideW, o.strideH, o.depthMultiplier = s.Padding.SAME, 1, 1, 1
    o.dilationWFactor = o.dilationHFactor = 1
    return o


B, O = s.BuiltinOperator, s.BuiltinOptions
layer("conv-3x3", B.CONV_2D, O.Conv2DOptions, convolution(), [1, 32, 32, 8], [16, 3, 3, 8], [1, 32, 32, 16], 16, 0)
layer("conv-1x1", B.CONV_2D, O.Conv2DOptions, convolution(), [1, 32, 32, 16], [32, 1, 1, 16], [1, 32, 32, 32], 32, 0)
layer("depthwise-3x3", B.DEPTHWISE_CONV_2D, O.DepthwiseConv2DOptions, depthwise(), [1, 32, 32, 16], [1, 3, 3, 16],
      [1, 32, 32, 16], 16, 3)
layer("fully-connected", B.FULLY_CONNECTED, O.FullyConnectedOptions, s.FullyConnectedOptionsT(), [1, 256], [64, 256],
      [1, 64], 64, 0)
