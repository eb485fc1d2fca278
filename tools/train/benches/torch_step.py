#!/usr/bin/env python3
"""Time PyTorch on the training step of `inpaint-train bench`; one JSON line.

    torch_step.py [--levels 6] [--width 32] [--size 128] [--batch 16] [--steps 10] [--threads 2]

The same network: partial convolutions as conv(x·m)·ratio with masks of one channel, batch norm, channels_last, the hole,
valid and total variation losses, Adam. Reported with and without the optimiser's update.
"""
import argparse
import json
import resource
import time

import torch
import torch.nn.functional as F
from torch import nn


def count(mask, kernel, stride):
    return F.conv2d(mask, torch.ones(1, 1, kernel, kernel), stride=stride, padding=kernel // 2)


class Layer(nn.Module):
    def __init__(self, c_in, c_skip, c_out, kernel, stride, norm, slope):
        super().__init__()
        self.channels, self.kernel, self.stride, self.slope = (c_in, c_skip), kernel, stride, slope
        self.conv = nn.Conv2d(c_in + c_skip, c_out, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out) if norm else None
        self.bias = None if norm else nn.Parameter(torch.zeros(1, c_out, 1, 1))

    def forward(self, inputs):
        """inputs: one or two pairs of a map, zero in its holes, and its mask [n, 1, h, w]."""
        with torch.no_grad():
            s = sum(c * count(m, self.kernel, self.stride) for (_, m), c in zip(inputs, self.channels))
            known = (s > 0).float()
            k = self.kernel**2 * sum(self.channels)
            ratio = k / s.clamp(min=1) * known
        x = inputs[0][0] if len(inputs) == 1 else torch.cat([x for x, _ in inputs], 1)
        y = self.conv(x) * ratio
        y = self.norm(y) if self.norm else y + self.bias
        if self.slope is not None:
            y = F.leaky_relu(y, self.slope) if self.slope > 0 else F.relu(y)
        return y * known, known


class Net(nn.Module):
    def __init__(self, levels, width):
        super().__init__()
        channels = [3] + [width << min(i, 3) for i in range(levels)]
        kernels = [7, 5, 5] + [3] * levels
        self.encoder = nn.ModuleList(
            Layer(channels[i], 0, channels[i + 1], kernels[i], 2, i > 0, 0.0) for i in range(levels)
        )
        self.decoder = nn.ModuleList(
            Layer(channels[i + 1], channels[i], channels[i], 3, 1, i > 0, 0.2 if i > 0 else None)
            for i in reversed(range(levels))
        )

    def forward(self, x, m):
        maps = [(x, m)]
        for layer in self.encoder:
            maps.append(layer(maps[-1:]))
        at = maps.pop()
        for layer in self.decoder:
            at = layer([tuple(F.interpolate(v, scale_factor=2) for v in at), maps.pop()])
        return at[0]


def loss(out, truth, m):
    hole = ((1 - m) * (out - truth).abs()).sum() / (3 * (1 - m).sum())
    valid = (m * (out - truth).abs()).sum() / (3 * m.sum())
    composite = m * truth + (1 - m) * out
    near = F.max_pool2d(1 - m, 3, 1, 1)
    across, down = near[..., 1:] * near[..., :-1], near[..., 1:, :] * near[..., :-1, :]
    total = (across * (composite[..., 1:] - composite[..., :-1]).abs()).sum()
    total = total + (down * (composite[..., 1:, :] - composite[..., :-1, :]).abs()).sum()
    return 6 * hole + valid + 0.1 * total / (3 * (across.sum() + down.sum()))


def main():
    args = argparse.ArgumentParser()
    for name, default in [("levels", 6), ("width", 32), ("size", 128), ("batch", 16), ("steps", 10), ("threads", 2)]:
        args.add_argument(f"--{name}", type=int, default=default)
    args = args.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(args.threads)
    net = Net(args.levels, args.width).to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), lr=1e-4)
    n, size = args.batch, args.size
    truth = torch.rand(n, 3, size, size).contiguous(memory_format=torch.channels_last)
    m = torch.ones(n, 1, size, size)
    m[:, :, size // 3 : 2 * size // 3, size // 4 : 3 * size // 4] = 0
    x = ((truth - 0.45) / 0.25 * m).contiguous(memory_format=torch.channels_last)
    steps, whole = [], []
    for _ in range(args.steps + 1):
        start = time.perf_counter()
        adam.zero_grad(set_to_none=True)
        loss(net(x, m) * 0.25 + 0.45, truth, m).backward()
        steps.append(time.perf_counter() - start)
        adam.step()
        whole.append(time.perf_counter() - start)
    steps, whole = sorted(steps[1:]), sorted(whole[1:])
    print(json.dumps({
        "engine": f"torch {torch.__version__}",
        **vars(args),
        "best_img_s": round(n / steps[0], 2),
        "median_img_s": round(n / steps[len(steps) // 2], 2),
        "best_img_s_with_adam": round(n / whole[0], 2),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }))


main()
