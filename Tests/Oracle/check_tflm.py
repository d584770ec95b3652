#!/usr/bin/env python3
"""Run a .tflite model in TensorFlow Lite Micro and compare its outputs with another program's.

usage: check_tflm.py MODEL.tflite INPUTS.npy OUTPUTS.npy      (needs: pip install --pre numpy tflite-micro)

INPUTS.npy holds a sample a row, OUTPUTS.npy the outputs to compare with, a row a sample, both int8.
Prints the number of values compared and of those that differ; exits with 1 where any does.
"""
import sys

import numpy as np
from tflite_micro.python.tflite_micro import runtime


def main(arguments):
    if len(arguments) != 3:
        sys.exit(__doc__)
    interpreter = runtime.Interpreter.from_file(arguments[0], arena_size=1 << 20)
    samples, expected = np.load(arguments[1]), np.load(arguments[2])
    shape = interpreter.get_input_details(0)["shape"]
    assert len(samples) == len(expected) > 0, "a row of outputs for each sample"
    differing = 0
    for sample, row in zip(samples, expected):
        interpreter.set_input(np.ascontiguousarray(sample.reshape(shape)), 0)
        interpreter.invoke()
        output = np.array(interpreter.get_output(0)).reshape(-1)
        assert output.dtype == row.dtype and output.shape == row.shape, "outputs of one type and shape"
        differing += int((output != row).sum())
    print(f"{len(samples)} samples, {expected.size} values compared, {differing} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
