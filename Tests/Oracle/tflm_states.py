#!/usr/bin/env python3
"""Run a streaming model with variables in TensorFlow Lite Micro and write model, inputs and outputs, for Tests/ModelFilesTests.

usage: tflm_states.py OUTPUT.json      (needs: pip install --pre flatbuffers numpy tflite-micro)

The model keeps the last two columns of its input and the last sum of its output in variables, as Keras' streaming layers do:
CALL_ONCE of a second subgraph sets them to zero, READ_VARIABLE and ASSIGN_VARIABLE move them on. Outputs are those of rows
one after the other, `carried`, and of rows that each begin anew, `fresh`.
"""
import base64
import json
import sys

import flatbuffers
import numpy as np
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

random = np.random.default_rng(31)
model = schema.ModelT()
model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []


class Graph:
    def __init__(self):
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []

    def tensor(self, shape, kind="INT8", scales=None, zero=0, codes=None, dimension=0):
        t = schema.TensorT()
        t.name, t.shape, t.type = f"t{len(self.graph.tensors)}".encode(), list(shape), getattr(schema.TensorType, kind)
        if scales is not None:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale, t.quantization.zeroPoint = list(scales), [zero] * len(scales)
            t.quantization.quantizedDimension = dimension
        if codes is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(codes).tobytes(), np.uint8)
            t.buffer = len(model.buffers)
            model.buffers.append(buffer)
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def add(self, name, inputs, outputs, options=None, **values):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes), inputs, outputs
        model.operatorCodes.append(code)
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, options + "T")()
            for key, value in values.items():
                setattr(operator.builtinOptions, key, value)
        self.graph.operators.append(operator)

    def handle(self, name):
        t = self.tensor([], "RESOURCE")
        self.add("VAR_HANDLE", [], [t], "VarHandleOptions", container=b"", sharedName=name)
        return t

    def numbers(self, values):
        return self.tensor([len(values)], "INT32", codes=np.array(values, np.int32))


main, first = Graph(), Graph()
columns, sums = ([1, 2, 1, 4], 0.05, -7), ([1, 1, 1, 5], 0.07, 11)
main.add("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
x = main.tensor([1, 1, 1, 4], scales=[columns[1]], zero=columns[2])
one, other = main.handle(b"columns"), main.handle(b"sums")
kept = main.tensor(columns[0], scales=[columns[1]], zero=columns[2])
main.add("READ_VARIABLE", [one], [kept], "ReadVariableOptions")
window = main.tensor([1, 3, 1, 4], scales=[columns[1]], zero=columns[2])
main.add("CONCATENATION", [kept, x], [window], "ConcatenationOptions", axis=1)
last = main.tensor(columns[0], scales=[columns[1]], zero=columns[2])
lists = [main.numbers(v) for v in ([0, 1, 0, 0], [1, 3, 1, 4], [1, 1, 1, 1])]
main.add("STRIDED_SLICE", [window] + lists, [last], "StridedSliceOptions")
main.add("ASSIGN_VARIABLE", [one, last], [], "AssignVariableOptions")
scales = [0.01 * (1 + 0.2 * i) for i in range(5)]
w = main.tensor([5, 3, 1, 4], scales=scales, codes=random.integers(-127, 128, [5, 3, 1, 4]).astype(np.int8))
b = main.tensor([5], "INT32", scales=[columns[1] * s for s in scales], codes=random.integers(-900, 900, 5).astype(np.int32))
y = main.tensor(sums[0], scales=[sums[1]], zero=sums[2])
main.add("CONV_2D", [window, w, b], [y], "Conv2DOptions", padding=1, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1)
before = main.tensor(sums[0], scales=[sums[1]], zero=sums[2])
main.add("READ_VARIABLE", [other], [before], "ReadVariableOptions")
total = main.tensor(sums[0], scales=[sums[1]], zero=sums[2])
main.add("ADD", [y, before], [total], "AddOptions")
main.add("ASSIGN_VARIABLE", [other, total], [], "AssignVariableOptions")
main.graph.inputs, main.graph.outputs = [x], [total]
for name, (shape, scale, zero) in ((b"columns", columns), (b"sums", sums)):
    zeros = first.tensor(shape, scales=[scale], zero=zero, codes=np.full(shape, zero, np.int8))
    first.add("ASSIGN_VARIABLE", [first.handle(name), zeros], [], "AssignVariableOptions")
model.subgraphs = [main.graph, first.graph]
builder = flatbuffers.Builder(1024)
builder.Finish(model.Pack(builder), b"TFL3")
data = bytes(builder.Output())

rows = random.integers(-128, 128, [12, 4]).astype(np.int8)


def run(fresh):
    interpreter, outputs = None, []
    for row in rows:
        if interpreter is None or fresh:
            interpreter = runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
        interpreter.set_input(row.reshape(1, 1, 1, 4), 0)
        interpreter.invoke()
        outputs.append(np.array(interpreter.get_output(0)).ravel().tolist())
    return outputs


with open(sys.argv[1], "w") as file:
    json.dump({"model": base64.b64encode(data).decode(), "rows": rows.tolist(), "carried": run(False), "fresh": run(True)}, file)
