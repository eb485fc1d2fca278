#!/usr/bin/env python3
"""Make the pictures of README and model card by running the program: docs/make.py target/release/inpaint-edge (Pillow needed)."""
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
PHOTO = Image.open(ROOT / "tests/images/photo.png").convert("RGB")
MASK = Image.open(ROOT / "tests/images/mask.png").convert("L")


def run(folder, *arguments):
    subprocess.run([Path(sys.argv[1]).resolve(), "--quiet", *arguments], cwd=folder, check=True)


def beside(name, box, pictures):
    """Writes the same box of all pictures side by side."""
    width, height = box[2] - box[0], box[3] - box[1]
    strip = Image.new("RGB", (len(pictures) * (width + 8) - 8, height), "white")
    for i, picture in enumerate(pictures):
        strip.paste(picture.convert("RGB").crop(box), (i * (width + 8), 0))
    strip.save(ROOT / "docs" / name, quality=90)


def before_after(folder):
    run(folder, ROOT / "tests/images/photo.png", ROOT / "tests/images/mask.png", "out.png")
    holed = PHOTO.copy()
    holed.paste("white", mask=MASK.point(lambda v: 255 * (v >= 128)))
    beside("before-after.jpg", (140, 120, 524, 440), [holed, Image.open(folder / "out.png")])


def holes(folder):
    """A dry stalk painted over, and a box."""
    painted = PHOTO.copy()
    draw = ImageDraw.Draw(painted)
    draw.line([(640, 188), (666, 262)], fill="#ff00ff", width=22)
    painted.save(folder / "painted.png")
    hole = ["--mask-color", "ff00ff", "--box", "528,468,36,40"]
    run(folder, *hole, "--preview", "look.png", "painted.png")
    run(folder, *hole, "painted.png", "out.png")
    pictures = [painted, *(Image.open(folder / name) for name in ("look.png", "out.png"))]
    beside("holes.jpg", (490, 90, 750, 510), pictures)


def failures(folder):
    """Holes as large as the things around them: a flower before shutters, a flower among leaves, a side of the picture."""
    pictures = []
    for x, y, width, height in [(340, 145, 150, 195), (515, 345, 145, 130), (560, 0, 208, 512)]:
        run(folder, "--box", f"{x},{y},{width},{height}", ROOT / "tests/images/photo.png", "out.png")
        pictures.append(Image.open(folder / "out.png").convert("RGB"))
    beside("failures.jpg", (160, 0, 768, 512), pictures)


with tempfile.TemporaryDirectory() as folder:
    for make in (before_after, holes, failures):
        make(Path(folder))
