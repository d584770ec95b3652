"""Times LiteRT on request, for the benchmark beside this file.

Each line of standard input is `KIND SECONDS MODEL.tflite`, KIND being xnnpack or reference. The answer is a line with
the time of an inference on one thread in microseconds, the least mean of ten shares of the time, or `failed`.
"""
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

interpreters = {}


def interpreter(kind, path):
    if (kind, path) not in interpreters:
        resolver = OpResolverType.AUTO if kind == "xnnpack" else OpResolverType.BUILTIN_REF
        made = Interpreter(path, num_threads=1, experimental_op_resolver_type=resolver)
        made.allocate_tensors()
        generator = np.random.default_rng(1)
        for details in made.get_input_details():
            kind_of_value = details["dtype"]
            if np.issubdtype(kind_of_value, np.integer):
                limits = np.iinfo(kind_of_value)
                values = generator.integers(limits.min, limits.max, details["shape"], kind_of_value, endpoint=True)
            else:
                values = generator.standard_normal(details["shape"]).astype(kind_of_value)
            made.set_tensor(details["index"], values)
        made.invoke()
        interpreters[kind, path] = made
    return interpreters[kind, path]


def microseconds(kind, seconds, path):
    invoke = interpreter(kind, path).invoke
    best = float("inf")
    for _ in range(10):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / 10:
            for _ in range(4):
                invoke()
            count += 4
        best = min(best, (time.perf_counter() - start) / count)
    return best * 1e6


for line in sys.stdin:
    kind, seconds, path = line.rstrip("\n").split(" ", 2)
    try:
        print(f"{microseconds(kind, float(seconds), path):.3f}", flush=True)
    except Exception:
        print("failed", flush=True)
