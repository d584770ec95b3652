import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import numpy as np
import tensorflow as tf

source = open("make_beats.py").read()
exec(source[source.index("rng ="):source.index("torch.manual_seed(1)")].replace("torch.", "np."))
x, y = windows(2048)
tf.keras.utils.set_random_seed(1)
layers = tf.keras.layers
model = tf.keras.Sequential([layers.Input((128, 1))] + [
    layer for dilation in (1, 2, 4) for layer in (
        layers.Conv1D(8, 5, dilation_rate=dilation, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU())
] + [layers.Flatten(), layers.Dense(2)])
model.compile(tf.keras.optimizers.AdamW(2e-3), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x.transpose(0, 2, 1), y, batch_size=64, epochs=5, verbose=0)
x = np.load("x.npy").reshape(-1, 128, 1)
print("right:", (model(x).numpy().argmax(1) == np.load("y.npy")).mean())
for name, types, optimize in [("beats", None, False), ("beats_float16", [tf.float16], True), ("beats_dynamic", None, True)]:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if optimize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if types:
        converter.target_spec.supported_types = types
    data = converter.convert()
    open(f"{name}.tflite", "wb").write(data)
    interpreter = tf.lite.Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    outputs = []
    for window in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], window[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    np.save(f"{name}.logits.npy", np.array(outputs))
