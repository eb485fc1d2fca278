#!/usr/bin/env python3
"""Fill what `inpaint-eval --export DIR` wrote by Telea, Navier-Stokes (OpenCV), biharmonic (scikit-image) and PatchMatch.

    classical.py DIR OUT [METHOD ...]

writes OUT/METHOD/GROUP/CROP.png; then `inpaint-eval --also telea=OUT/telea ...` measures them. Files already there stay.
Needs opencv-python-headless, scikit-image and numpy. The method pypatchmatch, which has to be named, needs PyPatchMatch 2.2.0.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from skimage.restoration import inpaint_biharmonic

RADIUS = 3


def biharmonic(image, hole):
    filled = inpaint_biharmonic(image / 255.0, hole > 0, split_into_regions=True, channel_axis=2)
    return np.floor(np.clip(filled, 0, 1) * 255 + 0.5).astype(np.uint8)


def pypatchmatch(image, hole):
    import patchmatch

    patchmatch.set_random_seed(1)
    return patchmatch.inpaint(np.ascontiguousarray(image[:, :, ::-1]), hole, patch_size=3)[:, :, ::-1]


METHODS = {
    "telea": lambda image, hole: cv2.inpaint(image, hole, RADIUS, cv2.INPAINT_TELEA),
    "navier-stokes": lambda image, hole: cv2.inpaint(image, hole, RADIUS, cv2.INPAINT_NS),
    "biharmonic": biharmonic,
}
OPTIONAL = {"pypatchmatch": pypatchmatch}
ALL = METHODS | OPTIONAL


def fill(job):
    method, image_path, mask_path, out_path = job
    image = cv2.imread(str(image_path), cv2.IMREAD_COLOR)
    hole = cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE)
    if image is None or hole is None:
        raise SystemExit(f"{image_path}, {mask_path}: two pictures expected")
    filled = np.where(hole[:, :, None] > 0, ALL[method](image, hole), image)
    if not cv2.imwrite(str(out_path), filled):
        raise SystemExit(f"{out_path}: cannot be written")


def main():
    if len(sys.argv) < 3 or any(name not in ALL for name in sys.argv[3:]):
        raise SystemExit(f"usage: classical.py DIR OUT [{'|'.join(ALL)} ...]")
    export, out = Path(sys.argv[1]), Path(sys.argv[2])
    jobs = []
    for image in sorted((export / "input").glob("*/*.png")):
        below = image.relative_to(export / "input")
        for method in sys.argv[3:] or METHODS:
            target = out / method / below
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                jobs.append((method, image, export / "mask" / below, target))
    with ProcessPoolExecutor() as pool:
        for done, _ in enumerate(pool.map(fill, jobs, chunksize=4), 1):
            print(f"\r{done} of {len(jobs)}", end="", file=sys.stderr)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
