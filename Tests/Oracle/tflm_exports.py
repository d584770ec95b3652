#!/usr/bin/env python3
"""Run in TensorFlow Lite Micro what `exporter export` writes of float networks, for Tests/CommandTests.

usage: tflm_exports.py EXPORTER OUTPUT.json      (needs: pip install --pre numpy tflite-micro)

Each network of onnx/ is quantized on its own inputs, exported, and run on them; kept are the exported model, in base64,
and TensorFlow Lite Micro's output codes, a row a sample. Make it again when what is written changes.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from tflite_micro.python.tflite_micro import runtime

NETWORKS = [("time_first", []), ("time_first", ["--activations", "int16"]), ("greatest", []),
            ("greatest", ["--activations", "int16"]), ("two_blocks_int8", None)]


def main(exporter, output):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
    cases = []
    for name, options in NETWORKS:
        samples = os.path.join(folder, name.removesuffix("_int8") + ".input.npy")
        with tempfile.TemporaryDirectory() as made:
            image, model = os.path.join(made, "m.qinf"), os.path.join(made, "m.tflite")
            given = [] if options is None else ["--samples", samples, *options]
            subprocess.run([exporter, "quantize", f"{folder}/{name}.onnx", *given, "--output", image, "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)
            done = subprocess.run([exporter, "export", image, "--format", "tflite", "--output", model, "--quiet"],
                                  capture_output=True, text=True)
            if done.returncode:
                print(f"{name}: {done.stderr.strip().split(':operator')[-1]}", file=sys.stderr)
                continue
            data = open(model, "rb").read()
        interpreter = runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
        details = interpreter.get_input_details(0)
        scale = np.float32(details["quantization_parameters"]["scales"][0])
        zero, kind = int(details["quantization_parameters"]["zero_points"][0]), np.iinfo(details["dtype"])
        rows = []
        for number, row in enumerate(np.load(samples)):
            # Channels last, as time_first has them already; halves away from zero.
            steps = (row if name == "time_first" else np.moveaxis(row, 0, -1)).astype(np.float32) / scale
            codes = np.trunc(steps + np.copysign(np.float32(0.5), steps)) + zero
            if number:
                interpreter.reset()
            interpreter.set_input(np.clip(codes, kind.min, kind.max).astype(kind.dtype).reshape(details["shape"]), 0)
            interpreter.invoke()
            rows.append(np.array(interpreter.get_output(0)).ravel().tolist())
        cases.append({"name": name, "options": options, "model": base64.b64encode(data).decode(), "outputs": rows})
    with open(output, "w") as file:
        json.dump({"cases": cases}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
