"""Prints what tests/scores.rs expects of its hole: scikit-image's, OpenCV's and numpy's numbers.

Run where numpy, scikit-image, opencv-python-headless and safetensors are installed: python fixture.py
"""

from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import load_file
from skimage.metrics import structural_similarity

VGG = load_file(Path(__file__).parents[3] / "weights/vgg16-conv1-3.f16.safetensors")
MEAN = np.array([103.939, 116.779, 123.68])
SIZE = 64


def pools(rgb):
    """pool1, pool2 and pool3 of VGG16, [channels, height, width]."""
    found, x = [], (rgb[:, :, ::-1] - MEAN).transpose(2, 0, 1)
    for name in ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3"]:
        weight, bias = (VGG[f"conv{name}.{part}"].astype(float) for part in ("weight", "bias"))
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))
        x = np.maximum(np.tensordot(weight, windows, ((1, 2, 3), (0, 3, 4))) + bias[:, None, None], 0)
        if name in ("1_2", "2_2", "3_3"):
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).max((2, 4))
            found.append(x)
    return found


def gradient_energy(rgb, hole):
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(float)
    squares = np.diff(grey, axis=1)[:-1] ** 2 + np.diff(grey, axis=0)[:, :-1] ** 2
    return squares[hole[:-1, :-1]].mean()


y, x, c = np.indices((SIZE, SIZE, 3))
truth = (128 + 8 * np.abs((5 * x + 3 * y * (c + 1)) % 31 - 15) - (x * x * (c + 1) + y * y * x) % 61).astype(np.uint8)
hole = (5 * (x - 30) ** 2 + 3 * (y - 34) ** 2 + (x - 30) * (y - 34) < 1400)[:, :, 0]
filled = np.where(hole[:, :, None], 100 + x + y * (c + 1) // 3 + (x * y) % 13, truth).astype(np.uint8)

similarities = structural_similarity(
    truth, filled, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2, full=True
)[1]
distances, errors = [], []
for side, a, b in zip((2, 4, 8), pools(truth), pools(filled)):
    pooled = cv2.resize(hole.astype(np.float32), (SIZE // side, SIZE // side), interpolation=cv2.INTER_AREA) > 0.5
    a, b = a[:, pooled], b[:, pooled]
    distances.append(np.abs(a - b).sum() / np.abs(a).sum())
    grams = [features @ features.T / features.shape[1] for features in (a, b)]
    errors.append(np.linalg.norm(grams[0] - grams[1]) / np.linalg.norm(grams[0]))
square = ((truth.astype(float) - filled)[hole] ** 2).mean()
print("psnr", 10 * np.log10(255**2 / square))
print("ssim", similarities[hole].mean())
print("l1", np.abs(truth.astype(float) - filled)[hole].mean() / 255)
print("vgg", np.mean(distances))
print("gram", np.mean(errors))
print("energy", gradient_energy(filled, hole) / gradient_energy(truth, hole))
