"""The logits' codes that QuantizeLinear and DequantizeLinear ask for, by ONNX Runtime in float.

Every operator between them runs in float here (ORT_DISABLE_ALL), as the ONNX standard defines it. With its optimizations
ONNX Runtime puts integer kernels in their place, and on x86 processors without VNNI instructions these add two products in
16 bits, which saturate: their logits then differ by many steps, on dscnn2d by up to 76.

    pip install onnx onnxruntime numpy
    python3 qdq_goldens.py ../shared/conformance/onnx qdq
"""

import sys

import numpy
import onnx
import onnxruntime

source, target = sys.argv[1:]
for name in ["cnn1d", "tcn_residual", "dscnn2d", "mobile1d"]:
    file = f"{source}/{name}/{name}_qdq.onnx"
    graph = onnx.load(file).graph
    last = next(node for node in graph.node if node.output[0] == graph.output[0].name)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    scale, zero = (float(constants[last.input[1]]), int(constants[last.input[2]]))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options)
    windows = numpy.load(f"{source}/{'spectrogram' if name == 'dscnn2d' else 'ecg'}_input.npy")
    logits = numpy.concatenate(
        [session.run(None, {graph.input[0].name: windows[n : n + 64]})[0] for n in range(0, len(windows), 64)]
    )
    numpy.save(f"{target}/{name}.npy", (numpy.rint(logits / scale) + zero).astype(numpy.int8))
