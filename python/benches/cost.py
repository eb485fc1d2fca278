"""What a call from Python costs over the engine: python benches/cost.py ROUNDS

The engine's time is the sum of its stages in the report of the same call; all else is Python's and the binding's.
"""

import pathlib
import statistics
import sys
import time

import numpy as np
from inpaint_edge import Inpainter
from PIL import Image

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "tests/images"


def main(rounds):
    start = time.perf_counter()
    inpainter = Inpainter(threads=1)
    print(f"loading the network: {(time.perf_counter() - start) * 1e3:.1f} ms")
    photo = np.asarray(Image.open(IMAGES / "photo.png").convert("RGB"))[:512, :512]
    mask = np.asarray(Image.open(IMAGES / "mask.png").convert("L"))[:512, :512] >= 128
    print(f"{photo.shape}, hole {mask.mean() * 100:.1f} %, {rounds} rounds")
    for order in ("rgb", "bgr"):
        ratios, engine, calls = [], [], []
        for _ in range(rounds + 1):
            report = {}
            start = time.perf_counter()
            inpainter.inpaint(photo, mask, order=order, report=report)
            calls.append((time.perf_counter() - start) * 1e3)
            engine.append(sum(report["ms"].values()))
            ratios.append(calls[-1] / engine[-1])
        # The first round takes the memory of the run.
        ratio, call, inside = (statistics.median(times[1:]) for times in (ratios, calls, engine))
        print(f"{order}: call {call:.2f} ms, engine {inside:.2f} ms, ratio {ratio:.4f}")


main(int(sys.argv[1]))
