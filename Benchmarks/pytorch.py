"""Times PyTorch's training step on request, for the benchmark beside this file.

Each line of standard input is `CHANNELS HIDDEN THREADS`. The answer is a line with the mean time in seconds, over half
a second, of a step of AdamW on a batch of 256 windows, forward and backward, as Exporter trains.
"""
import sys
import time

import torch
from torch import nn

torch.manual_seed(1)
inputs = torch.randn(256, 12, 43)
labels = torch.randint(0, 4, (256,))
cross_entropy = nn.CrossEntropyLoss(label_smoothing=0.05)
steps = {}


def step(channels, hidden):
    if (channels, hidden) not in steps:
        layers, width = [], 12
        for dilation in (1, 2, 4):
            layers += [nn.Conv1d(width, channels, 3, dilation=dilation, bias=False), nn.BatchNorm1d(channels), nn.ReLU()]
            width = channels
        layers.append(nn.Flatten())
        outputs = 29 * channels
        if hidden:
            layers += [nn.Linear(outputs, hidden), nn.ReLU()]
            outputs = hidden
        network = nn.Sequential(*layers, nn.Linear(outputs, 4))
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)

        def run():
            loss = cross_entropy(network(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        run()
        steps[channels, hidden] = run
    return steps[channels, hidden]


for line in sys.stdin:
    channels, hidden, threads = map(int, line.split())
    torch.set_num_threads(threads)
    run, count, start = step(channels, hidden), 0, time.perf_counter()
    while time.perf_counter() - start < 0.5:
        run()
        count += 1
    print((time.perf_counter() - start) / count, flush=True)
