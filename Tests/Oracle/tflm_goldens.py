#!/usr/bin/env python3
"""Run single operators in TensorFlow Lite Micro and write what they compute, for Tests/ReferenceKernelTests.

usage: tflm_goldens.py OUTPUT.json      (needs: pip install --pre flatbuffers numpy tflite-micro)

Every case is a model of one operator with random constants and inputs from a fixed seed. The file holds its
tensors (shape, type, scale, zero point, codes of constants), its options, and the inputs and outputs of each run.
"""
import importlib.metadata
import json
import sys

import flatbuffers
import numpy as np
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

TYPES = {"int8": schema.TensorType.INT8, "int16": schema.TensorType.INT16, "int32": schema.TensorType.INT32,
         "int64": schema.TensorType.INT64}
random = np.random.default_rng(20)
cases = []


def tensor(shape, kind="int8", scale=0.0, zero=0, codes=None, variable=False):
    codes = None if codes is None else np.asarray(codes, kind).reshape(shape)
    return {"shape": list(shape), "type": kind, "scale": float(np.float32(scale)), "zeroPoint": zero, "codes": codes,
            "variable": variable}


def constant(values, kind="int32"):
    return tensor(np.shape(values), kind, codes=values)


def codes(t):
    """Random codes: one tensor in four holds the least and the largest one only."""
    limits = np.iinfo(t["type"])
    if random.random() < 0.25:
        return random.choice([limits.min, limits.max], t["shape"]).astype(t["type"])
    return random.integers(limits.min, limits.max, t["shape"], t["type"], endpoint=True)


def build(name, inputs, output, options_name, options):
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []
    for index, t in enumerate(inputs + [output]):
        written = schema.TensorT()
        written.name, written.shape, written.type = f"t{index}".encode(), t["shape"], TYPES[t["type"]]
        written.isVariable, written.shapeSignature = t["variable"], None
        if t["codes"] is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(t["codes"].tobytes(), np.uint8)
            written.buffer = len(model.buffers)
            model.buffers.append(buffer)
        if t["scale"]:
            written.quantization = schema.QuantizationParametersT()
            written.quantization.scale, written.quantization.zeroPoint = [t["scale"]], [t["zeroPoint"]]
        graph.tensors.append(written)
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
    operator.inputs, operator.outputs = list(range(len(inputs))), [len(inputs)]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, options_name)
    operator.builtinOptions = None if options_name == "NONE" else getattr(schema, options_name + "T")()
    for key, value in options.items():
        setattr(operator.builtinOptions, key, value)
    graph.operators, graph.outputs = [operator], [len(inputs)]
    graph.inputs = [i for i, t in enumerate(inputs) if t["codes"] is None and not t["variable"]]
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def case(name, inputs, output, options_name, options={}, runs=1, fixed=None):
    interpreter = runtime.Interpreter.from_bytes(build(name, inputs, output, options_name, options), arena_size=1 << 18)
    free = [t for t in inputs if t["codes"] is None and not t["variable"]]
    recorded = []
    for _ in range(runs):
        values = [codes(t) for t in free] if fixed is None else fixed
        for index, value in enumerate(values):
            interpreter.set_input(np.ascontiguousarray(value.reshape(free[index]["shape"])), index)
        interpreter.invoke()
        result = np.array(interpreter.get_output(0))
        recorded.append({"inputs": [v.ravel().tolist() for v in values], "output": result.ravel().tolist()})
    written = [{**t, "codes": None if t["codes"] is None else t["codes"].ravel().tolist()} for t in inputs + [output]]
    cases.append({"operator": name, "inputs": written[:-1], "output": written[-1],
                  "options": {k: v for k, v in options.items()}, "runs": recorded})


def scale(low=0.002, high=0.2):
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def zero(kind="int8"):
    return int(random.integers(-128, 128)) if kind == "int8" else 0


def elementwise():
    shapes = [([2, 3, 4], [2, 3, 4]), ([2, 1, 4], [3, 1]), ([1], [2, 5]), ([2, 1, 3, 1, 2], [3, 1, 4, 1]), ([4, 2], [2])]
    for kind in ("int8", "int16"):
        for name, options in (("ADD", "AddOptions"), ("SUB", "SubOptions"), ("MUL", "MulOptions")):
            for index, (first, second) in enumerate(shapes):
                a, b = tensor(first, kind, scale(), zero(kind)), tensor(second, kind, scale(), zero(kind))
                shape = np.broadcast_shapes(first, second)
                size = a["scale"] * b["scale"] * 100 if name == "MUL" else a["scale"] + b["scale"]
                y = tensor(shape, kind, size * scale(0.3, 1.5), zero(kind))
                case(name, [a, b], y, options, {"fusedActivationFunction": index % 2})
    for name in ("MAXIMUM", "MINIMUM"):
        for first, second in shapes:
            s, z = scale(), zero()
            case(name, [tensor(first, scale=s, zero=z), tensor(second, scale=s, zero=z)],
                 tensor(np.broadcast_shapes(first, second), scale=s, zero=z), "MaximumMinimumOptions")


def mean():
    for kind in ("int8", "int16"):
        for shape, axes in (([1, 7, 5, 3], [1, 2]), ([2, 3, 4], [-1]), ([3, 4, 5], [0, 2]), ([2, 31, 1, 6], [1]), ([6, 7], [0, 1])):
            s = scale()
            for ratio in (1.0, scale(0.1, 0.9), scale(1.1, 5)):
                kept = [1 if i in axes or i - len(shape) in axes else n for i, n in enumerate(shape)]
                case("MEAN", [tensor(shape, kind, s, zero(kind)), constant(axes)],
                     tensor(kept, kind, s * ratio, zero(kind)), "ReducerOptions", {"keepDims": True})


def unary():
    all8 = np.arange(-128, 128, dtype=np.int8)
    all16 = np.concatenate([np.arange(-32768, 32768, 997), [-32767, -1, 0, 1, 32766, 32767],
                            np.arange(-12, 12)]).astype(np.int16)

    def run(name, options_name, x, y, options={}):
        case(name, [x], y, options_name, options, fixed=[all8 if x["type"] == "int8" else all16])

    def x8(s):
        return tensor([256], scale=s, zero=zero())

    def x16(s):
        return tensor([len(all16)], "int16", s)
    for s in (0.005, 0.03, 0.0625, 0.11, 0.5, 2.0):
        run("LOGISTIC", "NONE", x8(s), tensor([256], scale=1 / 256, zero=-128))
        run("TANH", "NONE", x8(s), tensor([256], scale=1 / 128, zero=0))
    for s in (1 / 4096, 1 / 2048, 1 / 1024, 1 / 8192, 0.0003, 0.00011, 0.002, 3e-6):
        run("LOGISTIC", "NONE", x16(s), tensor([len(all16)], "int16", 1 / 32768))
        run("TANH", "NONE", x16(s), tensor([len(all16)], "int16", 1 / 32768))
    for s, ratio in ((0.04, 1.0), (0.02, 0.6), (0.1, 1.7), (0.01, 3.3)):
        for alpha in (0.1, -0.3, 1.6, 0.0):
            run("LEAKY_RELU", "LeakyReluOptions", x8(s), tensor([256], scale=s * ratio, zero=zero()), {"alpha": alpha})
            run("LEAKY_RELU", "LeakyReluOptions", x16(s), tensor([len(all16)], "int16", s * ratio), {"alpha": alpha})
        run("RELU", "NONE", x8(s), tensor([256], scale=s * ratio, zero=zero()))
        run("RELU", "NONE", x16(s), tensor([len(all16)], "int16", s * ratio))
        x = x8(s)
        run("RELU6", "NONE", x, {**x})
        x = x16(s / 100)
        run("RELU6", "NONE", x, {**x})
        run("QUANTIZE", "QuantizeOptions", x8(s), tensor([256], scale=s * ratio, zero=zero()))
        run("QUANTIZE", "QuantizeOptions", x8(s), tensor([256], "int16", s * ratio / 200))
        run("QUANTIZE", "QuantizeOptions", x16(s / 200), tensor([len(all16)], "int8", s * ratio, zero()))
        run("QUANTIZE", "QuantizeOptions", x16(s), tensor([len(all16)], "int16", s * ratio))


def softmax():
    for rows, depth in ((3, 5), (1, 40), (4, 2), (2, 1)):
        for s, beta in ((0.05, 1.0), (0.2, 0.7), (1.5, 1.0), (0.004, 2.0)):
            options = {"beta": beta}
            x, shape = tensor([rows, depth], scale=s, zero=zero()), [rows, depth]
            case("SOFTMAX", [x], tensor(shape, scale=1 / 256, zero=-128), "SoftmaxOptions", options)
            case("SOFTMAX", [x], tensor(shape, "int16", 1 / 65536, -32768), "SoftmaxOptions", options)
            case("SOFTMAX", [tensor(shape, "int16", s / 128)], tensor(shape, "int16", 1 / 32768), "SoftmaxOptions", options)


def weighted():
    for rows, depth, outputs in ((1, 9, 5), (3, 20, 4), (2, 64, 3)):
        for kind in ("int8", "int16"):
            weight_zero = zero() if kind == "int8" else 0
            w = tensor([outputs, depth], "int8", 0.01, weight_zero)
            w["codes"] = codes(w)
            limit = 1 << (12 if kind == "int8" else 20)
            b = tensor([outputs], "int32" if kind == "int8" else "int64", 0.0005, 0,
                       random.integers(-limit, limit, outputs))
            x = tensor([rows, depth], kind, 0.05, zero(kind))
            y = tensor([rows, outputs], kind, 0.05 * depth ** 0.5, zero(kind))
            case("FULLY_CONNECTED", [x, w, b], y, "FullyConnectedOptions", {"fusedActivationFunction": rows % 2}, runs=2)
    for kind in ("int8", "int16"):
        for batches, inputs, units, rank, memory in ((1, 8, 3, 1, 4), (2, 5, 4, 2, 3), (1, 3, 2, 3, 1)):
            filters = units * rank
            feature = tensor([filters, inputs], "int8", 0.01)
            feature["codes"] = codes(feature)
            time = tensor([filters, memory], kind, 0.02 if kind == "int8" else 0.0002)
            time["codes"] = codes(time)
            state = tensor([batches, filters * memory], kind, 0.03 if kind == "int8" else 0.0003,
                           int(random.integers(-60, 60)) if kind == "int8" else 0, variable=True)
            bias = tensor([units], "int32", state["scale"] * time["scale"], 0, random.integers(-1000, 1000, units))
            case("SVDF", [tensor([batches, inputs], scale=0.05, zero=zero()), feature, time, bias, state],
                 tensor([batches, units], scale=0.1, zero=zero()), "SVDFOptions",
                 {"rank": rank, "fusedActivationFunction": 1}, runs=6)


def rearrangements():
    def like(shape, x):
        return {**x, "shape": list(shape)}
    x = tensor([2, 5, 4, 3], scale=0.1, zero=7)
    for begin, end, strides, masks in (
            ([0, 1, 0, 0], [2, 5, 4, 3], [1, 2, 1, 1], {}),
            ([1, -1, 3, 0], [2, -6, 0, 3], [1, -1, -2, 2], {}),
            ([0, 4, 0, 0], [0, 0, 2, 0], [1, -2, 1, 1], {"beginMask": 1, "endMask": 11})):
        slices = tuple(slice(None if masks.get("beginMask", 0) >> i & 1 else b, None if masks.get("endMask", 0) >> i & 1 else e, s)
                       for i, (b, e, s) in enumerate(zip(begin, end, strides)))
        shape = np.zeros(x["shape"])[slices].shape
        case("STRIDED_SLICE", [x, constant(begin), constant(end), constant(strides)], like(shape, x),
             "StridedSliceOptions", masks)
    for paddings in ([[0, 0], [1, 2], [0, 3], [2, 0]], [[1, 0], [0, 0], [0, 0], [0, 1]]):
        shape = [n + a + b for n, (a, b) in zip(x["shape"], paddings)]
        case("PAD", [x, constant(paddings)], like(shape, x), "PadOptions")
    for permutation in ([0, 2, 1, 3], [3, 1, 0, 2]):
        case("TRANSPOSE", [x, constant(permutation)], like([x["shape"][p] for p in permutation], x), "TransposeOptions")
    for axis in (0, 1, -1):
        others = [like(x["shape"], x) for _ in range(3)]
        for i, other in enumerate(others):
            other["shape"][axis] = i + 1
        shape = list(x["shape"])
        shape[axis] = 6
        case("CONCATENATION", others, like(shape, x), "ConcatenationOptions", {"axis": axis})


def precision():
    """Codes whose results tell multipliers of ratios in double precision from those in single precision."""
    def run(name, options_name, scales, codes, options={}):
        codes = [np.array(c, np.int16) for c in codes]
        shape = [len(codes[0])]
        tensors = [tensor(shape, "int16", s) for s in scales]
        case(name, tensors[:-1], tensors[-1], options_name, options, fixed=codes)
    run("RELU", "NONE", [0.077, 0.074], [[37, 111, 185, 259]])
    run("LEAKY_RELU", "LeakyReluOptions", [0.077, 0.074], [[37, 111, 185, 259]], {"alpha": 0.5})
    run("LEAKY_RELU", "LeakyReluOptions", [0.074, 0.075], [[-8534, -13771, -18167, -19008]], {"alpha": 0.329})
    run("SUB", "SubOptions", [0.055, 0.088, 0.054], [[1169, -5597, 5643, -6013], [3677, -59, 1782, -1399]])


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    for make in (elementwise, mean, unary, softmax, weighted, rearrangements, precision):
        make()
    version = importlib.metadata.version("tflite-micro")
    with open(arguments[0], "w") as file:
        file.write(json.dumps({"generator": f"Tests/Oracle/tflm_goldens.py, tflite-micro {version}", "seed": 20})[:-1])
        file.write(', "cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
    print(len(cases), "cases")


if __name__ == "__main__":
    main(sys.argv[1:])
