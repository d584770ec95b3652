import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(1)


def window(is_wide):
    """A second of ECG at 128 Hz in millivolts, a beat 83 samples after its start."""
    time = (np.arange(128) - 83 - rng.uniform(-2, 2)) / 128
    bump = lambda at, width, height: height * np.exp(-(((time - at) / width) ** 2) / 2)
    size = rng.uniform(0.7, 1.6)
    if is_wide:
        beat = bump(0, rng.uniform(0.035, 0.05), size * rng.choice([-1, 1])) + bump(0.2, 0.06, -0.4 * size)
    else:
        beat = bump(-0.16, 0.025, 0.12) + bump(0, rng.uniform(0.01, 0.016), size) + bump(0.03, 0.012, -0.3 * size)
        beat += bump(0.25, 0.05, rng.uniform(0.1, 0.4))
    return beat + rng.normal(0, 0.03, 128) + rng.uniform(-0.1, 0.1)


def windows(count):
    labels = np.arange(count) % 2
    return np.stack([[window(label)] for label in labels]).astype(np.float32), labels.astype(np.int64)


torch.manual_seed(1)
torch.set_num_threads(1)
network = nn.Sequential(
    nn.Conv1d(1, 8, 5, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
    nn.Conv1d(8, 8, 5, dilation=2, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
    nn.Conv1d(8, 8, 5, dilation=4, bias=False), nn.BatchNorm1d(8), nn.ReLU(),
    nn.Flatten(), nn.Linear(8 * 100, 2),
)
optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
x, y = windows(2048)
for epoch in range(5):
    for rows in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(network(torch.from_numpy(x)[rows]), torch.from_numpy(y)[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

x, y = windows(64)
network.eval()
print("right:", (network(torch.from_numpy(x)).argmax(1).numpy() == y).mean())
np.save("x.npy", x[:, 0])
np.save("y.npy", y)
torch.onnx.export(
    network, torch.zeros(1, 1, 128), "beats.onnx", input_names=["ecg"], output_names=["logits"], dynamo=False)
