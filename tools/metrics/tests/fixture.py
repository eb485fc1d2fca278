"""Writes fixture.json: metrics of small images as scikit-image and OpenCV compute them.

Run where numpy, scikit-image (0.26) and opencv-python-headless are installed: python fixture.py > fixture.json
"""

import json

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def gradient_energy(image, hole):
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
    squares = np.diff(grey, axis=1)[:-1] ** 2 + np.diff(grey, axis=0)[:, :-1] ** 2
    return squares[hole[:-1, :-1]].mean()


rng = np.random.default_rng(1)
cases = []
for name, height, width, change in [
    ("noise", 24, 17, lambda a: a + 0.1 * rng.standard_normal(a.shape)),
    ("darker", 16, 29, lambda a: 0.8 * a),
    ("hole", 20, 20, lambda a: np.where((np.indices(a.shape)[0] > 8) & (np.indices(a.shape)[1] < 11), 0.5, a)),
    ("unrelated", 11, 11, lambda a: rng.random(a.shape)),
]:
    y, x, c = np.indices((height, width, 3))
    truth = 0.5 + 0.4 * np.sin(0.35 * x + 0.6 * c) * np.cos(0.22 * y * (1 + c)) + 0.05 * rng.standard_normal(x.shape)
    image = change(truth)
    # Whole levels of 8 bits, as files have them.
    truth, image = [np.round(np.clip(v, 0, 1) * 255).astype(np.uint8) for v in (truth, image)]
    a, b = image / 255.0, truth / 255.0
    hole = (np.indices((height, width))[0] > 8) & (np.indices((height, width))[1] < 11)
    ssim, similarities = structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2, data_range=1.0, full=True
    )
    # Of windows wholly inside, as in the mean over the image.
    in_hole = similarities[5:-5, 5:-5][hole[5:-5, 5:-5]]
    cases.append({
        "name": name,
        "width": width,
        "height": height,
        "image": image.ravel().tolist(),
        "truth": truth.ravel().tolist(),
        "mask": (1 - hole).ravel().tolist(),
        "psnr": peak_signal_noise_ratio(b, a, data_range=1.0),
        "ssim": ssim,
        "l1_hole": np.abs(a - b)[hole].mean(),
        "psnr_hole": peak_signal_noise_ratio(b[hole], a[hole], data_range=1.0),
        "ssim_hole": in_hole.mean() if in_hole.size else 1.0,
        "gradient_energy": gradient_energy(image, hole),
    })
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
