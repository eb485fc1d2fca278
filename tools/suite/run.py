#!/usr/bin/env python3
"""Runs the program on every file of a folder, such as a library's test suite, and says what became of them.

Each file gets a hole of one pixel, the first, and a result in PNG. A file must be filled, or refused by one line with exit
code 3 (input), 5 (limits) or 2 (a PNG cannot hold it), within a minute, leaving nothing behind. Where Pillow opens a filled
file too, every pixel outside the hole must be what Pillow reads, or what ImageMagick reads: the same for lossless kinds,
within a few steps for JPEG and lossy WebP. Exit code 1 where a file breaks one of these rules.

    apt-get install imagemagick && pip install pillow numpy
    python3 tools/suite/run.py FOLDER [--program target/release/inpaint-edge] [--weights weights/nano.safetensors]
"""

import argparse
import collections
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy
from PIL import Image, ImageOps, PngImagePlugin

Image.MAX_IMAGE_PIXELS = None
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 64 << 20
warnings.simplefilter("ignore")

NAMES = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".btf", ".gif", ".bmp",
         ".dib", ".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".qoi", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".psd",
         ".ico", ".svg", ".exr", ".dng", ".nef", ".cr2"}
# The most that a sample may differ from another reader's, of 255: where the format leaves the decoder a choice, and where 5,
# 6 or 16 bits a sample become 8.
LOSSY = {"JPEG": 8, "MPO": 8, "WEBP": 8, "BMP": 1, "PPM": 1, "TIFF": 1}
# Pixels beyond which nothing is compared: it would take gigabytes.
MOST_PIXELS = 50_000_000


def eight_bits(image):
    """[height, width, 4] of 8 bits a sample, whatever the kind."""
    if image.mode.startswith("I;16") or image.mode == "I":
        grey = (numpy.asarray(image, dtype=numpy.uint32) >> 8).clip(0, 255).astype(numpy.uint8)
        image = Image.fromarray(grey, "L")
    return numpy.asarray(image.convert("RGBA")).astype(numpy.int16)


def by_pillow(source):
    """(pixels, format), or nothing where Pillow does not read the file or is known to read it otherwise than it is meant."""
    try:
        with Image.open(source) as image:
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO" or image.mode in ("CMYK", "F", "LAB"):
                return None, image.format
            if image.width * image.height > MOST_PIXELS:
                return None, image.format
            return eight_bits(ImageOps.exif_transpose(image)), image.format
    except Exception:
        return None, None


def by_imagemagick(source, shape):
    """Pixels, or nothing where ImageMagick does not read the file as a picture of this shape."""
    command = ["convert", f"{source}[0]", "-auto-orient", "-depth", "8", "RGBA:-"]
    try:
        raw = subprocess.run(command, capture_output=True, timeout=60).stdout
    except subprocess.TimeoutExpired:
        return None
    is_whole = len(raw) == shape[0] * shape[1] * 4
    return numpy.frombuffer(raw, numpy.uint8).reshape(shape).astype(numpy.int16) if is_whole else None


def apart(expected, found):
    """The largest difference of two pictures outside the hole."""
    if expected.shape != found.shape:
        return f"{expected.shape[1]}×{expected.shape[0]} by Pillow, {found.shape[1]}×{found.shape[0]} found"
    differences = numpy.abs(expected - found)
    differences[0, 0] = 0
    # The colour of what is transparent is nobody's.
    differences[(expected[..., 3] == 0) & (found[..., 3] == 0)] = 0
    return int(differences.max())


def difference(source, result):
    """(largest difference outside the hole or None where nobody can tell, format)."""
    expected, kind = by_pillow(source)
    if expected is None:
        return None, kind
    found, _ = by_pillow(result)
    if found is None:
        return "Pillow does not read the result", kind
    most = apart(expected, found)
    # Where one reader disagrees, a second one decides.
    if isinstance(most, str) or most > LOSSY.get(kind, 0):
        second, again = by_imagemagick(source, found.shape), by_imagemagick(result, found.shape)
        if second is not None and again is not None and apart(second, again) <= LOSSY.get(kind, 0):
            return 0, kind
    return most, kind


def tried(source, args):
    """(outcome, detail) of one file."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.png"
        command = [args.program, "--weights", args.weights, "--strategy", "window", "--threads", "1", "--box", "0,0,1,1",
                   str(source), str(out)]
        try:
            run = subprocess.run(command, capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            return "FAULT", "no end within a minute"
        lines = run.stderr.decode(errors="replace").splitlines()
        left = sorted(path.name for path in pathlib.Path(folder).iterdir())
        if not all(line.startswith("inpaint-edge: ") for line in lines):
            return "FAULT", f"stderr: {lines}"
        # 2: a TIFF with a band that no PNG holds.
        if run.returncode in (2, 3, 5):
            if len(lines) != 1 or left:
                return "FAULT", f"{len(lines)} lines, left {left}"
            return f"refused ({run.returncode})", lines[0].split(f"{source}: ", 1)[-1]
        if run.returncode != 0 or left != ["out.png"]:
            return "FAULT", f"exit code {run.returncode}, left {left}: {lines}"
        most, kind = difference(source, out)
        if most is None:
            return "filled, not compared", kind
        if isinstance(most, str) or most > LOSSY.get(kind, 0):
            return "DIFFERS", f"{kind}: {most}"
        return "filled, as another reader reads it", kind


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", default="target/release/inpaint-edge")
    parser.add_argument("--weights", default="weights/nano.safetensors")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    files = sorted(path for path in args.folder.rglob("*") if path.is_file() and path.suffix.lower() in NAMES)
    if not files:
        sys.exit(f"{args.folder}: no files of pictures found")
    outcomes, reasons = collections.Counter(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for source, (outcome, detail) in zip(files, pool.map(lambda path: tried(path, args), files)):
            outcomes[outcome] += 1
            if outcome in ("FAULT", "DIFFERS"):
                print(f"{outcome}  {source.relative_to(args.folder)}  {detail}", flush=True)
            elif outcome.startswith("refused"):
                reasons[re.sub(r"\d+", "N", detail)] += 1
    print("\nwhy files were refused, numbers apart:")
    for reason, count in reasons.most_common():
        print(f"{count:6}  {reason}")
    print(f"\n{len(files)} files of {args.folder}:")
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:6}  {outcome}")
    bad = outcomes["FAULT"] + outcomes["DIFFERS"]
    print(f"{len(files) - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
