#!/usr/bin/env python3
"""Run small models in TensorFlow Lite Micro and write model, inputs and outputs, for Tests/ModelFilesTests.

usage: tflm_models.py OUTPUT.json      (needs: pip install --pre flatbuffers numpy tflite-micro)

Every case is a whole .tflite file of one operator, in base64, with the rows of its inputs and outputs. A combination of
operator and types that TensorFlow Lite Micro refuses is told on standard error and left out.
"""
import base64
import importlib.metadata
import json
import sys

import flatbuffers
import numpy as np
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

TYPES = {"int8": schema.TensorType.INT8, "int16": schema.TensorType.INT16, "int32": schema.TensorType.INT32,
         "int64": schema.TensorType.INT64, "uint8": schema.TensorType.UINT8, "float32": schema.TensorType.FLOAT32}
random = np.random.default_rng(21)
cases, refused = [], []


def tensor(shape, kind="int8", scale=0.05, zero=None, codes=None, scales=None, dimension=0, variable=False):
    zero = (int(random.integers(-60, 60)) if kind == "int8" else 0) if zero is None else zero
    codes = None if codes is None else np.asarray(codes, kind).reshape(shape)
    return {"shape": list(shape), "type": kind, "scales": [float(np.float32(s)) for s in (scales or [scale])],
            "zero": zero, "codes": codes, "dimension": dimension, "variable": variable}


def constant(values, kind="int32"):
    values = np.asarray(values, kind)
    return {**tensor(values.shape, kind, codes=values), "scales": []}


def like(t, shape=None, **changes):
    return {**t, "shape": list(t["shape"] if shape is None else shape), "codes": None, **changes}


def weights(shape, scales, dimension=0, kind="int8"):
    count = shape[dimension]
    scales = [scales * (1 + 0.3 * i / max(1, count)) for i in range(count)] if np.isscalar(scales) else scales
    return tensor(shape, kind, zero=0, codes=random.integers(-127, 128, shape), scales=scales, dimension=dimension)


def build(operators, inputs, outputs):
    """A model of operators (name, options class or None, options, inputs, outputs)."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, graph.tensors, model.operatorCodes, graph.operators = 3, [schema.BufferT()], [], [], []
    places = {}

    def place(t):
        if t is None:
            return -1
        if id(t) in places:
            return places[id(t)]
        written = schema.TensorT()
        written.name, written.shape, written.type = f"t{len(places)}".encode(), t["shape"], TYPES[t["type"]]
        written.isVariable, written.shapeSignature = t["variable"], None
        if t["codes"] is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(t["codes"].tobytes(), np.uint8)
            written.buffer = len(model.buffers)
            model.buffers.append(buffer)
        if t["scales"] and t["type"] != "float32":
            written.quantization = schema.QuantizationParametersT()
            written.quantization.scale = t["scales"]
            written.quantization.zeroPoint = [t["zero"]] * len(t["scales"])
            written.quantization.quantizedDimension = t["dimension"]
        graph.tensors.append(written)
        places[id(t)] = len(places)
        return places[id(t)]

    for name, options_name, options, read, written in operators:
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        operator.opcodeIndex = len(model.operatorCodes)
        model.operatorCodes.append(code)
        operator.inputs, operator.outputs = [place(t) for t in read], [place(t) for t in written]
        if options_name:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options_name)
            operator.builtinOptions = getattr(schema, options_name + "T")()
            for key, value in options.items():
                setattr(operator.builtinOptions, key, value)
        graph.operators.append(operator)
    graph.inputs, graph.outputs = [place(t) for t in inputs], [place(t) for t in outputs]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def rows_of(t, count):
    limits = np.iinfo(t["type"])
    shape = t["shape"]
    rows = [(np.arange(np.prod(shape)) * 37 % 256 * (256 if t["type"] == "int16" else 1) + limits.min).reshape(shape),
            np.full(shape, limits.min), np.full(shape, limits.max)][:count]
    rows += [random.integers(limits.min, limits.max, shape, endpoint=True) for _ in range(count - len(rows))]
    return [r.astype(t["type"]) for r in rows]


def case(name, operators, inputs, outputs, count=5, rows=None, same=None):
    """`same` are operators that give what the others must, where TensorFlow Lite Micro's own result isn't defined."""
    data = build(operators, inputs, outputs)
    values = [rows or rows_of(t, count) for t in inputs]
    try:
        reference = data if same is None else build(same, inputs, outputs)
        interpreter = runtime.Interpreter.from_bytes(reference, arena_size=1 << 20)
        recorded = []
        for row in zip(*values):
            interpreter.reset()
            for place, value in enumerate(row):
                interpreter.set_input(np.ascontiguousarray(value), place)
            interpreter.invoke()
            recorded.append([np.array(interpreter.get_output(i)).ravel().tolist() for i in range(len(outputs))])
    except (RuntimeError, ValueError) as error:
        refused.append(name)
        return
    cases.append({"name": name, "model": base64.b64encode(data).decode(),
                  "inputs": [[v.ravel().tolist() for v in row] for row in zip(*values)], "outputs": recorded})


def one(name, options_name, options, inputs, outputs, label="", **more):
    free = [t for t in inputs if t is not None and t["codes"] is None and not t["variable"]]
    case(f"{name}{label} {free[0]['type']}", [(name, options_name, options, inputs, outputs)], free, outputs, **more)


def moves(*arguments):
    one(*arguments, count=1)


def movements():
    for kind in ("int8", "int16"):
        x = tensor([2, 6, 4, 3], kind)
        for axis, parts in ((1, 3), (-1, 3), (0, 2)):
            shape = list(x["shape"])
            shape[axis] //= parts
            moves("SPLIT", "SplitOptions", {"numSplits": parts}, [constant(axis), x], [like(x, shape) for _ in range(parts)])
        moves("SPLIT_V", "SplitVOptions", {"numSplits": 3}, [x, constant([1, 3, 2]), constant(1)],
            [like(x, [2, n, 4, 3]) for n in (1, 3, 2)])
        for axis in (0, 2, -1):
            shape = [n for i, n in enumerate(x["shape"]) if i != axis % 4]
            moves("UNPACK", "UnpackOptions", {"num": x["shape"][axis], "axis": axis}, [x],
                [like(x, shape) for _ in range(x["shape"][axis])])
        y = tensor([3, 4], kind)
        for axis in (0, 1, -1):
            moves("PACK", "PackOptions", {"valuesCount": 3, "axis": axis}, [y, like(y), like(y)],
                [like(y, np.stack([np.zeros([3, 4])] * 3, axis).shape)])
        moves("SLICE", "SliceOptions", {}, [x, constant([0, 2, 1, 0]), constant([2, -1, 2, 1])], [like(x, [2, 4, 2, 1])])
        for axis, indices in ((1, [0, 2, 4]), (2, [3, 3, 0, 1]), (-1, [[2, 0], [1, 1]])):
            shape = np.take(np.zeros(x["shape"]), indices, axis).shape
            moves("GATHER", "GatherOptions", {"axis": axis}, [x, constant(indices)], [like(x, shape)])
        moves("SQUEEZE", "SqueezeOptions", {"squeezeDims": [1]}, [tensor([2, 1, 5, 1], kind)], [tensor([2, 5, 1], kind)])
        moves("EXPAND_DIMS", "ExpandDimsOptions", {}, [y, constant(-3)], [like(y, [1, 3, 4])])
        for times in ([2, 1], [1, 3], [2, 3]):
            moves("TILE", "TileOptions", {}, [y, constant(times)], [like(y, np.tile(np.zeros([3, 4]), times).shape)])
        moves("BROADCAST_TO", "BroadcastToOptions", {}, [like(y, [3, 1]), constant([2, 3, 4])], [like(y, [2, 3, 4])])
        for size, corners, centres in (([12, 8], 0, 0), ([6, 8], 0, 1), ([9, 5], 1, 0), ([4, 3], 0, 0), ([5, 7], 0, 1)):
            moves("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions",
                {"alignCorners": bool(corners), "halfPixelCenters": bool(centres)}, [x, constant(size)],
                [like(x, [2] + size + [3])])
        moves("DEPTH_TO_SPACE", "DepthToSpaceOptions", {"blockSize": 2}, [like(x, [2, 3, 2, 8])], [like(x, [2, 6, 4, 2])])
        moves("SPACE_TO_DEPTH", "SpaceToDepthOptions", {"blockSize": 2}, [like(x, [2, 6, 4, 2])], [like(x, [2, 3, 2, 8])])
        for axes in ([1], [0, 2], [3]):
            moves("REVERSE_V2", "ReverseV2Options", {}, [x, constant(axes)], [like(x)])
        b = tensor([1, 6, 4, 3], kind)
        moves("SPACE_TO_BATCH_ND", "SpaceToBatchNDOptions", {}, [b, constant([3, 2]), constant([[0, 0], [0, 0]])],
              [like(b, [6, 2, 2, 3])])
        moves("BATCH_TO_SPACE_ND", "BatchToSpaceNDOptions", {},
            [like(b, [6, 3, 3, 3]), constant([3, 2]), constant([[1, 0], [2, 1]])], [like(b, [1, 8, 3, 3])])


def dilations():
    """SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND."""
    for label, block, pads, crops, zero in (("cropped", 2, [0, 1], [0, 1], 5), ("padded", 2, [2, 2], [0, 0], 5),
                                            ("same", 3, [3, 4], [0, 1], 0), ("odd", 2, [3, 4], [1, 2], -9)):
        for axis in (1, 2):
            length = 23 if sum(pads) % 2 else 24
            length += -(length + sum(pads)) % block
            inner = (length + sum(pads)) // block
            x = tensor([1, length, 3], zero=zero)
            batched = like(x, [block, inner, 3])
            four = like(x, [block, 1, inner, 3] if axis == 2 else [block, inner, 1, 3])
            w = weights([4, 1, 3, 3] if axis == 2 else [4, 3, 1, 3], 0.01)
            y = tensor([block, 1, inner - 2, 4] if axis == 2 else [block, inner - 2, 1, 4], scale=0.08)
            squeezed = like(y, [block, inner - 2, 4])
            out = like(y, [1, (inner - 2) * block - sum(crops), 4])
            sizes = constant([block])
            # TensorFlow Lite Micro's SPACE_TO_BATCH_ND pads with memory that it never sets: PAD and a dilated convolution
            # say what is meant.
            padded, wide = like(x, [1, length + sum(pads), 3]), like(x)
            wide["shape"] = [1, 1, length + sum(pads), 3] if axis == 2 else [1, length + sum(pads), 1, 3]
            spaced = (inner - 2) * block
            dense = like(y, [1, 1, spaced, 4] if axis == 2 else [1, spaced, 1, 4])
            flat = like(y, [1, spaced, 4])
            plain = {"padding": 1, "strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
            dilated = {**plain, "dilationWFactor": block if axis == 2 else 1, "dilationHFactor": block if axis == 1 else 1}
            case(f"dilated {label} {axis}", [
                ("SPACE_TO_BATCH_ND", None, {}, [x, sizes, constant([pads])], [batched]),
                ("EXPAND_DIMS", None, {}, [batched, constant(3 - axis)], [four]),
                ("CONV_2D", "Conv2DOptions", plain, [four, w, None], [y]),
                ("SQUEEZE", "SqueezeOptions", {"squeezeDims": [3 - axis]}, [y], [squeezed]),
                ("BATCH_TO_SPACE_ND", None, {}, [squeezed, sizes, constant([crops])], [out])], [x], [out], count=3, same=[
                ("PAD", None, {}, [x, constant([[0, 0], pads, [0, 0]])], [padded]),
                ("EXPAND_DIMS", None, {}, [padded, constant(3 - axis)], [wide]),
                ("CONV_2D", "Conv2DOptions", dilated, [wide, w, None], [dense]),
                ("SQUEEZE", "SqueezeOptions", {"squeezeDims": [3 - axis]}, [dense], [flat]),
                ("SLICE", None, {}, [flat, constant([0, crops[0], 0]), constant(out["shape"])], [out])])


def floats():
    """Functions and movements in float between DEQUANTIZE and QUANTIZE."""
    for name, options_name, options in (
            ("NEG", None, {}), ("EXP", None, {}), ("LOG", None, {}), ("SQRT", None, {}), ("RSQRT", None, {}),
            ("ABS", None, {}), ("LOGISTIC", None, {}), ("TANH", None, {}), ("ELU", None, {}), ("SQUARE", None, {}),
            ("HARD_SWISH", None, {}), ("FLOOR", None, {}), ("CEIL", None, {}), ("ROUND", None, {}), ("SIN", None, {}),
            ("COS", None, {}), ("RELU", None, {}), ("RELU6", None, {}), ("LEAKY_RELU", "LeakyReluOptions", {"alpha": 0.3})):
        zero = -128 if name in ("LOG", "SQRT", "RSQRT") else 3
        x, y = tensor([1, 256], scale=0.05, zero=zero), tensor([1, 256], scale=0.04, zero=-20)
        rows = [np.arange(-127 if zero == -128 else -128, 128 if zero != -128 else 129).astype(np.int8).reshape(1, 256)]
        if zero == -128:
            rows = [np.where(np.arange(256) < 1, 1, np.arange(-128, 128)).astype(np.int8).reshape(1, 256)]
        f, g = tensor([1, 256], "float32"), tensor([1, 256], "float32")
        case(f"{name} in float", [("DEQUANTIZE", None, {}, [x], [f]), (name, options_name, options, [f], [g]),
                                  ("QUANTIZE", None, {}, [g], [y])], [x], [y], rows=rows)
    x = tensor([1, 12], scale=0.05, zero=3)
    f, parts = tensor([1, 12], "float32"), [tensor([1, 4], "float32") for _ in range(3)]
    outs = [tensor([1, 4], scale=s, zero=z) for s, z in ((0.05, 3), (0.03, -7), (0.2, 0))]
    case("SPLIT in float", [("DEQUANTIZE", None, {}, [x], [f]),
                            ("SPLIT", "SplitOptions", {"numSplits": 3}, [constant(1), f], parts)]
         + [("QUANTIZE", None, {}, [p], [o]) for p, o in zip(parts, outs)], [x], outs)


def functions():
    """Functions of single elements over all int8 codes, and over int16 codes."""
    all8 = np.arange(-128, 128, dtype=np.int8)
    all16 = np.concatenate([np.arange(-32768, 32768, 1997), [-32767, -2, -1, 0, 1, 2, 32767]]).astype(np.int16)
    for name in ("ABS", "NEG", "ELU", "HARD_SWISH", "EXP", "LOG", "SQRT", "RSQRT"):
        positive = name in ("LOG", "SQRT", "RSQRT")
        for scale, zero, out_scale, out_zero in ((0.05, -3, 0.05, -3), (0.02, 12, 0.031, -40), (0.11, -128, 0.05, 5)):
            zero = -128 if positive else zero
            one(name, None, {}, [tensor([256], scale=scale, zero=zero)], [tensor([256], scale=out_scale, zero=out_zero)],
                rows=[np.where(all8 == -128, 1, all8).astype(np.int8) if positive else all8])
            if name == "RSQRT":
                continue
            one(name, None, {}, [tensor([len(all16)], "int16", scale / 100)],
                [tensor([len(all16)], "int16", out_scale / 100)],
                rows=[np.where(all16 <= 0, 1, all16).astype(np.int16) if positive else all16])


def pairs():
    shapes = [([2, 3, 4], [2, 3, 4]), ([2, 1, 4], [3, 1]), ([1], [2, 5]), ([4, 2], [2])]
    for kind in ("int8", "int16"):
        for name, options in (("SQUARED_DIFFERENCE", None), ("DIV", "DivOptions"), ("PRELU", None)):
            for index, (first, second) in enumerate(shapes):
                if name == "PRELU" and index == 2:
                    continue
                a, b = tensor(first, kind, 0.05), tensor(second, kind, 0.03 + 0.01 * index)
                rows = None
                if name == "PRELU":
                    b = tensor(second, "int8", 0.01 + 0.004 * index)
                    b["codes"] = rows_of(b, 4)[3]
                if name == "DIV":
                    b["zero"] = -128 if kind == "int8" else 0
                    b["codes"] = np.maximum(rows_of(b, 4)[3], -90 if kind == "int8" else 3).astype(kind)
                scale = {"SQUARED_DIFFERENCE": 0.2, "DIV": 0.012, "PRELU": 0.06}[name] * (1 if kind == "int8" else 0.8)
                one(name, options, {"fusedActivationFunction": index % 2} if options and kind == "int8" else {}, [a, b],
                    [tensor(np.broadcast_shapes(first, second), kind, scale)])


def reductions():
    for kind in ("int8", "int16"):
        for name in ("SUM", "REDUCE_MAX", "REDUCE_MIN"):
            for shape, axes, keeps in (([1, 7, 5, 3], [1, 2], True), ([2, 3, 4], [-1], False), ([3, 4, 5], [0, 2], True),
                                       ([1, 31, 6], [1], False)):
                x = tensor(shape, kind)
                kept = [1 if i in axes or i - len(shape) in axes else n for i, n in enumerate(shape)]
                if not keeps:
                    kept = [n for i, n in enumerate(shape) if i not in axes and i - len(shape) not in axes]
                y = like(x, kept)
                if name == "SUM":
                    y["scales"] = [float(np.float32(x["scales"][0] * 3.7))]
                one(name, "ReducerOptions", {"keepDims": keeps}, [x, constant(axes)], [y])
        for name in ("ARG_MAX", "ARG_MIN"):
            for shape in ([1, 6], [2, 3, 5], [7]):
                one(name, name.title().replace("_", "") + "Options", {"outputType": schema.TensorType.INT32},
                    [tensor(shape, kind), constant([len(shape) - 1])], [{**constant(np.zeros(shape[:-1])), "codes": None}])


def transposed():
    for kind in ("int8", "int16"):
        for size, stride, padding, channels, kernel in (([1, 5], [1, 2], 0, 2, [1, 3]), ([4, 3], [2, 2], 1, 3, [3, 2]),
                                                        ([3, 3], [1, 1], 0, 1, [2, 2]), ([1, 6], [1, 3], 1, 2, [1, 2])):
            x = tensor([1] + size + [channels], kind)
            out = [n * s if padding == 0 else (n - 1) * s + max(k, s) if False else (n - 1) * s + k
                   for n, s, k in zip(size, stride, kernel)]
            w = weights([4] + kernel + [channels], 0.01)
            for bias in (False, True):
                b = None
                if bias:
                    b = tensor([4], "int32" if kind == "int8" else "int64", zero=0,
                               codes=random.integers(-3000, 3000, 4), scales=[0.05 * s for s in w["scales"]])
                one("TRANSPOSE_CONV", "TransposeConvOptions", {"padding": padding, "strideW": stride[1], "strideH": stride[0]},
                    [constant([1] + out + [4]), w, x] + ([b] if bias else []), [tensor([1] + out + [4], kind, 0.08)])


def products():
    for kind in ("int8", "int16"):
        for a, b, first, second in (([2, 3], [3, 4], 0, 0), ([2, 5, 3], [2, 3, 4], 0, 0), ([1, 2, 5, 3], [1, 2, 4, 3], 0, 1),
                                    ([3, 2, 5], [1, 2, 4], 1, 0), ([1, 4, 2], [3, 5, 4], 1, 1)):
            rows, columns = a[-1 if first else -2], b[-2 if second else -1]
            batch = list(np.broadcast_shapes(a[:-2], b[:-2]))
            x, y = tensor(a, kind), tensor(b, kind, 0.03)
            z = tensor(batch + [rows, columns], kind, 0.05 if kind == "int8" else 4.0)
            one("BATCH_MATMUL", "BatchMatMulOptions", {"adjX": bool(first), "adjY": bool(second)}, [x, y], [z])


def images_and_rows():
    for shape in ([3, 5], [1, 40], [2, 2, 3]):
        for scale in (0.05, 0.2, 0.004):
            one("LOG_SOFTMAX", "LogSoftmaxOptions", {}, [tensor(shape, scale=scale)],
                [tensor(shape, scale=16 / 256, zero=127)])
    for size, corners, centres in (([12, 8], 0, 0), ([6, 8], 0, 1), ([9, 5], 1, 0), ([4, 3], 0, 0), ([5, 7], 0, 1)):
        x = tensor([2, 6, 4, 3])
        one("RESIZE_BILINEAR", "ResizeBilinearOptions",
            {"alignCorners": bool(corners), "halfPixelCenters": bool(centres)}, [x, constant(size)],
            [like(x, [2] + size + [3])])


def silent_channels():
    """A channel whose weights all stand for 0."""
    for kind in ("int8", "int16"):
        x, w = tensor([1, 4, 4, 2], kind), weights([3, 2, 2, 2], [0.01, 0.0, 0.02])
        one("CONV_2D", "Conv2DOptions", {"padding": 1, "strideW": 1, "strideH": 1, "dilationWFactor": 1,
                                         "dilationHFactor": 1}, [x, w], [tensor([1, 3, 3, 3], kind, 0.08)], " weight scale 0")


def lstm(x, units, cell=2 ** -11, clip=10.0, hidden=0.007, time_major=False, width=1.0):
    """The operator of a Keras layer, and its output: the gates are input, forget, cell and output, as in the schema."""
    kind, inputs = x["type"], x["shape"][2]
    wide = "int32" if kind == "int8" else "int64"
    bound = 1 if kind == "int8" else 1 / 256

    def gates(depth):
        return [tensor([units, depth], zero=0, codes=random.integers(-127, 128, [units, depth]),
                       scale=width * 0.02 * float(random.uniform(0.5, 1.5))) for _ in range(4)]

    of_inputs, of_hidden = gates(inputs), gates(units)
    biases = [tensor([units], wide, zero=0, codes=random.integers(-3000, 3001, units),
                     scale=x["scales"][0] * w["scales"][0]) for w in of_inputs]
    h = tensor([x["shape"][1 if time_major else 0], units], kind, hidden * bound, variable=True)
    c = tensor(h["shape"], "int16", cell, variable=True)
    y = like(x, x["shape"][:2] + [units], scales=h["scales"], zero=h["zero"])
    options = {"fusedActivationFunction": schema.ActivationFunctionType.TANH, "cellClip": clip, "timeMajor": time_major}
    return ("UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions", options,
            [x, *of_inputs, *of_hidden, None, None, None, *biases, None, None, h, c, None, None, None, None], [y]), y


def recurrent():
    for kind in ("int8", "int16"):
        step = 0.03 if kind == "int8" else 0.03 / 256
        for label, steps, inputs, units, more in (
                ("", 9, 3, 5, {}), (" one step", 1, 1, 1, {}), (" of many units", 4, 12, 24, {}),
                (" cell 2^-15", 7, 4, 4, {"cell": 2 ** -15}), (" cell 2^-8", 7, 4, 4, {"cell": 2 ** -8}),
                (" no clip", 12, 2, 3, {"clip": 0.0, "width": 3.0}), (" narrow clip", 12, 2, 3, {"clip": 0.3}),
                (" beyond its type", 10, 6, 6, {"width": 60.0}), (" coarse state", 8, 5, 7, {"hidden": 0.02})):
            x = tensor([1, steps, inputs], kind, step)
            operator, y = lstm(x, units, **more)
            case(f"{operator[0]}{label} {kind}", [operator], [x], [y])
        x = tensor([6, 1, 4], kind, step)
        operator, y = lstm(x, 5, time_major=True)
        case(f"{operator[0]} time first {kind}", [operator], [x], [y])
        # As Keras gives the last step of a layer behind another.
        x = tensor([1, 8, 3], kind, step)
        first, between = lstm(x, 6)
        second, y = lstm(between, 4)
        last = like(y, [1, 4])
        case(f"{first[0]} last of two layers {kind}",
             [first, second, ("STRIDED_SLICE", "StridedSliceOptions", {"beginMask": 5, "endMask": 5, "shrinkAxisMask": 2},
                              [y, constant([0, -1, 0]), constant([0, 0, 0]), constant([1, 1, 1])], [last])], [x], [last])


def roots():
    """Codes from 0 up: below 0 TensorFlow Lite Micro stops."""
    codes = np.unique(np.concatenate([np.arange(40), 2 ** np.arange(15), 2 ** np.arange(1, 16) - 1, 3 ** np.arange(10),
                                      random.integers(0, 32768, 300)])).astype(np.int16)
    for input_scale, output_scale in ((0.001, 0.002), (0.05, 0.0004), (1.0, 0.00003), (3e-6, 1.3), (0.02, 20.0)):
        x = tensor([len(codes)], "int16", input_scale)
        one("RSQRT", None, {}, [x], [tensor([len(codes)], "int16", output_scale)], rows=[codes])


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    for make in (movements, dilations, floats, functions, pairs, reductions, transposed, products, silent_channels, images_and_rows,
                 recurrent, roots):
        make()
    version = importlib.metadata.version("tflite-micro")
    with open(arguments[0], "w") as file:
        file.write(json.dumps({"generator": f"Tests/Oracle/tflm_models.py, tflite-micro {version}"})[:-1])
        file.write(', "cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
    print(len(cases), "cases")
    print("refused by TensorFlow Lite Micro:", ", ".join(sorted(set(refused))), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
