"""What a photograph of 12 megapixels costs a worker, by the size of its hole: python benches/scaling.py

Each row is a process of its own with one thread: work of the network by the plan, CPU time of filling an array without texture and
with it, and of filling a JPEG from bytes to bytes, the median of five each, and the most memory that the process had with a JPEG.
"""

import io
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
from inpaint_edge import Inpainter
from PIL import Image

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "tests/images"
SIZE = 4000, 3000


def cpu(work):
    """Median CPU seconds of five calls, after one that takes the memory."""
    times = []
    for _ in range(6):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times[1:])


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


def one(side):
    photo = Image.open(IMAGES / "photo.png").convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    mask = np.zeros(SIZE[::-1], bool)
    mask[1000 : 1000 + side, 1500 : 1500 + side] = True
    pixels = np.asarray(photo)
    jpeg = encoded(photo, format="JPEG", quality=92)
    png = encoded(Image.fromarray(mask.astype(np.uint8) * 255), format="PNG")
    del photo
    inpainter = Inpainter(threads=1)
    gmac = inpainter.plan(mask, macs=True)["macs"] / 1e9
    of_file = cpu(lambda: inpainter.inpaint_bytes(jpeg, png, "jpg"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    of_array = cpu(lambda: inpainter.inpaint(pixels, mask))
    plain = Inpainter(threads=1, texture="off")
    without = cpu(lambda: plain.inpaint(pixels, mask))
    times = " | ".join(f"{seconds * 1e3:.0f}" for seconds in (without, of_array, of_file))
    print(f"| {side} | {gmac:.2f} | {times} | {memory:.0f} |", flush=True)


def main():
    print("| hole, px | GMAC | array without texture, ms | array, ms | JPEG, ms | MB |\n|---|---|---|---|---|---|", flush=True)
    for side in (32, 100, 300, 600):
        subprocess.run([sys.executable, __file__, str(side)], check=True)


one(int(sys.argv[1])) if len(sys.argv) > 1 else main()
