#!/usr/bin/env python3
"""Run .tflite models in TensorFlow Lite Micro and compare their outputs with another program's.

usage: check_tflm.py MODEL.tflite INPUTS.npy[,MORE.npy] OUTPUTS.npy [three more for another model] ...

INPUTS.npy holds a sample a row, a file for each of the model's inputs; OUTPUTS.npy the first output to compare with,
a row a sample. Both are of the model's own type. Prints the number of values compared and of those that differ, and
each model that differs; exits with 1 where any does.           (needs: pip install --pre numpy tflite-micro)
"""
import os
import sys

import numpy as np
from tflite_micro.python.tflite_micro import runtime


def check(model, inputs, outputs):
    """The numbers of samples, values and differing values."""
    interpreter = runtime.Interpreter.from_file(model, arena_size=1 << 20)
    samples, expected = [np.load(file) for file in inputs.split(",")], np.load(outputs)
    shapes = [interpreter.get_input_details(index)["shape"] for index in range(len(samples))]
    assert len(expected) > 0 and all(len(rows) == len(expected) for rows in samples), "a row of outputs for each sample"
    differing = 0
    for number, row in enumerate(expected):
        if number:
            interpreter.reset()
        for index, (rows, shape) in enumerate(zip(samples, shapes)):
            interpreter.set_input(np.ascontiguousarray(rows[number].reshape(shape)), index)
        interpreter.invoke()
        output = np.array(interpreter.get_output(0)).reshape(-1)
        assert output.dtype == row.dtype and output.shape == row.shape, "outputs of one type and shape"
        differing += int((output != row).sum())
    return len(expected), expected.size, differing


def main(arguments):
    if not arguments or len(arguments) % 3:
        sys.exit(__doc__)
    totals = np.zeros(3, int)
    for model, inputs, outputs in zip(arguments[::3], arguments[1::3], arguments[2::3]):
        try:
            counts = check(model, inputs, outputs)
        except Exception as error:
            counts = (0, 1, 1)
            print(f"{os.path.basename(model)}: {error}", file=sys.stderr)
        if counts[2]:
            print(f"{os.path.basename(model)}: {counts[2]} of {counts[1]} differ", file=sys.stderr)
        totals += counts
    models = f"{len(arguments) // 3} models, " if len(arguments) > 3 else ""
    print(f"{models}{totals[0]} samples, {totals[1]} values compared, {totals[2]} differ")
    sys.exit(1 if totals[2] else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
