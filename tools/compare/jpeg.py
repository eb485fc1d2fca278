#!/usr/bin/env python3
"""Compares how inpaint-edge reads JPEG with how libjpeg-turbo does: python3 tools/compare/jpeg.py PROGRAM.

Draws small pictures and has cjpeg write them in every sampling, scan script, restart interval, kind of entropy coding,
quality and size of the lists below. What the program reads has to be what djpeg (islow, fancy upsampling) makes of the same
file: grey, and the luma of colour, within 2 of 255, every sample within 3. What it does not read it has to refuse with exit
code 3 and in words of the list REFUSALS. A file that is cut short or lacks a scan has to be refused, unless it is in arithmetic
coding without restart markers: there the zeros at the end of a scan are left out, so that its end is not known.

Needs Debian's libjpeg-turbo-progs. Ends with exit code 1 where one file is read wrongly.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

# Largest difference of a sample from libjpeg's: luma, and red, green and blue.
LUMA, SAMPLE = 2, 3

# Sampling factors of Y, Cb and Cr.
COMMON = ["1x1", "2x1", "1x2", "2x2", "4x1"]
SAMPLINGS = COMMON + [
    "1x4", "4x2", "2x4", "4x4", "3x1", "1x3", "3x3", "3x2",
    "2x2,2x1,2x1", "2x2,1x2,1x2", "2x2,2x1,1x2", "2x1,1x1,2x1", "4x2,2x1,1x2", "2x2,2x2,1x1", "4x1,2x1,1x1",
    "2x2,2x2,2x2", "3x1,3x1,1x1", "4x4,2x2,1x1",
]  # fmt: skip
FINER_CHROMA = ["1x1,2x1,2x1", "1x1,2x2,2x2", "1x2,2x1,2x1", "2x1,1x2,1x2", "1x1,2x1,1x1", "1x1,1x1,2x2", "2x1,2x2,2x2"]
# Ratios that are no whole number, which libjpeg refuses.
FRACTIONS = ["3x1,2x1,1x1", "2x2,3x1,1x1"]

SEQUENTIAL = {
    "interleaved": "",
    "one each": "0; 1; 2;",
    "reversed": "2; 1; 0;",
    "first pair": "0 1; 2;",
    "last pair": "0; 1 2;",
    "outer pair": "1; 0 2;",
}
PROGRESSIVE = {
    "default": "",
    "spectral": "0,1,2: 0-0, 0, 0; 0: 1-5, 0, 0; 2: 1-63, 0, 0; 1: 1-63, 0, 0; 0: 6-63, 0, 0;",
    "DC apart": "2: 0-0, 0, 1; 0: 0-0, 0, 1; 1: 0-0, 0, 1; 0,1: 0-0, 1, 0; 2: 0-0, 1, 0; "
    "0: 1-63, 0, 2; 1: 1-63, 0, 0; 2: 1-63, 0, 1; 0: 1-63, 2, 1; 2: 1-63, 1, 0; 0: 1-63, 1, 0;",
}
RESTARTS = ["", "1B", "3B", "1", "2"]
SIZES = [
    (1, 1), (2, 1), (1, 2), (7, 5), (8, 8), (9, 8), (15, 16), (16, 15), (17, 33), (31, 2), (2, 31), (32, 32), (33, 17),
    (48, 40), (65, 9), (9, 65),
]  # fmt: skip
QUALITIES = [1, 10, 50, 100]

# What a refusal says, by the kinds of files of which some may be refused.
REFUSALS = {
    "fraction": "sampled",
    "damaged": "",
}

Case = collections.namedtuple("Case", "group name path size")


def picture(width, height, seed):
    """Waves, an edge and noise, RGB, as a PPM."""
    rng = random.Random(seed)
    rows = bytearray()
    for y in range(height):
        for x in range(width):
            edge = 90 if (x + 2 * y) % 23 < 9 else 0
            for k in (3, 5, 11):
                rows.append(max(0, min(255, 60 + (x * k + y * (17 - k)) % 97 + edge * (k != 5) + rng.randrange(-6, 7))))
    return b"P6\n%d %d\n255\n" % (width, height) + bytes(rows)


def cases(folder):
    """The files, as (group, name, size, arguments of cjpeg, scan script)."""
    for sampling in SAMPLINGS:
        sizes = [(17, 33), (48, 40)] if sampling in COMMON else [(35, 27)]
        for size in sizes:
            for restart in RESTARTS:
                options = ["-sample", sampling] + (["-restart", restart] if restart else [])
                for name, scans in SEQUENTIAL.items():
                    yield "sequential", f"{sampling} {name} {restart}", size, options, scans
                    if name in ("interleaved", "reversed", "first pair"):
                        yield "arithmetic", f"{sampling} {name} {restart}", size, options + ["-arithmetic"], scans
                for name, scans in PROGRESSIVE.items():
                    progressive = options + ["-progressive"]
                    yield "progressive", f"{sampling} {name} {restart}", size, progressive, scans
                    if not scans:
                        both = progressive + ["-arithmetic"]
                        yield "progressive arithmetic", f"{sampling} {name} {restart}", size, both, scans
    for size in SIZES:
        for sampling in COMMON:
            for kind in ([], ["-progressive"], ["-optimize"]):
                yield "sizes", f"{sampling} {kind}", size, ["-sample", sampling] + kind, ""
            yield "sizes", f"{sampling} one each", size, ["-sample", sampling, "-restart", "2B"], SEQUENTIAL["one each"]
        for kind in ([], ["-progressive"], ["-arithmetic"], ["-restart", "2B"], ["-sample", "2x2"]):
            yield "grey", f"{kind}", size, ["-grayscale"] + kind, ""
        for kind in ([], ["-progressive"]):
            yield "RGB", f"{kind}", size, ["-rgb"] + kind, ""
        yield "RGB", "one each", size, ["-rgb", "-sample", "1x1"], SEQUENTIAL["one each"]
    for quality in QUALITIES:
        for sampling in COMMON:
            for kind in ([], ["-baseline"], ["-progressive"], ["-arithmetic"]):
                options = ["-quality", str(quality), "-sample", sampling] + kind
                yield "qualities", f"{quality} {sampling} {kind}", (48, 40), options, ""
    for sampling in FINER_CHROMA:
        for size in [(17, 33), (48, 40)]:
            for kind in ([], ["-progressive"], ["-restart", "2B"]):
                yield "finer chroma", f"{sampling} {kind}", size, ["-sample", sampling] + kind, ""
            yield "finer chroma", f"{sampling} one each", size, ["-sample", sampling], SEQUENTIAL["one each"]
    for sampling in FRACTIONS:
        yield "fraction", sampling, (35, 27), ["-sample", sampling], ""


def segments(data):
    """(marker, start, end) up to EOI; entropy-coded data belongs to its SOS."""
    at = 2
    while True:
        start = at
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            yield marker, start, at + 2
            return
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker == 0xDA:
            while not (data[end] == 0xFF and data[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
        yield marker, start, end
        at = end


def variants(data):
    """The file as other writers have it: all of them libjpeg reads without or with a warning that costs no sample."""
    parts = list(segments(data))
    short = data[:2] + b"\xff\xee\0\x07Adobe" + data[2:]
    yield "APP14 of five bytes", short
    yield "fill bytes", data[:2] + b"".join(b"\xff\xff\xff" + data[start:end] for _, start, end in parts)
    stray = [data[start:end] + (b"" if marker in (0xDA, 0xD9) else b"\0\x11\0") for marker, start, end in parts]
    yield "stray bytes", data[:2] + b"".join(stray)
    yield "bytes after EOI", data + b"\0\0after\xff\xd8\xff"
    yield "a thumbnail after EOI", data + data
    yield "no EOI but zeros", data[:-2] + b"\0" * 40 + b"\xff\xd9"


def damaged(data):
    """The file with parts of it missing: a picture that is not whole."""
    scans = [(start, end) for marker, start, end in segments(data) if marker == 0xDA]
    for share in (0.3, 0.9):
        start, end = scans[0]
        yield f"first scan cut to {share}, EOI", data[: start + 14 + int((end - start - 14) * share)] + b"\xff\xd9"
        if len(scans) > 1:
            cut = start + 14 + int((end - start - 14) * share)
            yield f"first scan cut to {share}", data[:cut] + data[end:]
    if len(scans) > 1:
        first, second = scans[0], scans[1]
        yield "without its first scan", data[: first[0]] + data[first[1] :]
        yield "its first scan and EOI", data[: first[1]] + b"\xff\xd9"
    for share in (0.5, 0.97):
        yield f"file cut to {share}", data[: int(len(data) * share)]


def make(folder, number, case):
    group, name, (width, height), options, scans = case
    source = folder / f"{width}x{height}.ppm"
    path = folder / f"{number}.jpg"
    arguments = ["cjpeg", "-dct", "int", *(["-quality", "85"] if "-quality" not in options else []), *options]
    if scans:
        script = folder / f"{zlib.crc32(scans.encode())}.scans"
        arguments += ["-scans", str(script)]
    done = subprocess.run([*arguments, "-outfile", str(path), str(source)], stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return None, f"{group} {name}: {done.stderr.strip()}"
    return Case(group, name, path, (width, height)), None


def read_pnm(data):
    """A PGM or PPM as djpeg writes it: size, channels, samples."""
    magic, size, _, samples = data.split(b"\n", 3)
    return tuple(map(int, size.split())), 1 if magic == b"P5" else 3, samples


def reference(path):
    """What libjpeg makes of it: size, channels, samples; and what it warns of."""
    done = subprocess.run(["djpeg", "-dct", "int", "-pnm", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (0, 2):
        return None, done.stderr.decode().strip()
    return read_pnm(done.stdout), done.stderr.decode().strip()


def read_tiff(data):
    """An uncompressed TIFF as the program writes it: size, channels, samples."""
    ifd = struct.unpack("<I", data[4:8])[0]
    tags = {}
    for i in range(struct.unpack("<H", data[ifd : ifd + 2])[0]):
        tag, kind, count, value = struct.unpack("<HHII", data[ifd + 2 + 12 * i : ifd + 14 + 12 * i])
        tags[tag] = (value if kind != 3 or count > 1 else value & 0xFFFF, count)
    (width, _), (height, _), (channels, _), (strips, count) = (tags[t] for t in (256, 257, 277, 273))
    start = strips if count == 1 else struct.unpack("<I", data[strips : strips + 4])[0]
    return (width, height), channels, data[start : start + width * height * channels]


def differences(found, right, channels):
    """The largest of luma, and of any sample."""
    most = max(map(abs, map(int.__sub__, found, right)))
    if channels == 1:
        return most, most
    luma = lambda d: [(299 * r + 587 * g + 114 * b) / 1000 for r, g, b in zip(d[::3], d[1::3], d[2::3])]
    return max(abs(a - b) for a, b in zip(luma(found), luma(right))), most


def black(width, height):
    """A black PNG."""
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(width + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def batch(program, lines, *options):
    """The program's report on each line of a list."""
    done = subprocess.run(
        [program, "batch", "--json-lines", "--quiet", "--overwrite", *options],
        input="".join(lines), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    if len(reports) != len(lines):
        sys.exit(f"expected {len(lines)} reports, found {len(reports)}: exit code {done.returncode}")
    return reports


def decoded(program, folder, files):
    """What the program makes of each file: decoded through a batch whose masks have no hole."""
    masks, lines = {}, []
    for case in files:
        if case.size not in masks:
            masks[case.size] = folder / f"mask-{case.size[0]}x{case.size[1]}.png"
            masks[case.size].write_bytes(black(*case.size))
        lines.append(f"{case.path}\t{masks[case.size]}\t{case.path.with_suffix('.tif')}\n")
    return batch(program, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="inpaint-edge")
    parser.add_argument("--keep", metavar="DIR", help="keep the files there")
    args = parser.parse_args()
    folder = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="jpeg-"))
    folder.mkdir(exist_ok=True)
    code = compare(folder, lambda files: decoded(args.program, folder, files))
    if not args.keep:
        shutil.rmtree(folder)
    sys.exit(code)


def generate(folder):
    """The files, and how many could not be made."""
    listed = list(cases(folder))
    for seed, (width, height) in enumerate(sorted({case[2] for case in listed})):
        (folder / f"{width}x{height}.ppm").write_bytes(picture(width, height, seed))
    for scans in {case[4] for case in listed if case[4]}:
        (folder / f"{zlib.crc32(scans.encode())}.scans").write_text(scans)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(lambda numbered: make(folder, *numbered), enumerate(listed)))
    files = [case for case, _ in made if case]
    refused = collections.Counter(why.split(": ", 1)[1] for case, why in made if not case)
    # Of each kind of coding some as other writers have them, and some damaged.
    chosen = [c for c in files if c.group in ("sequential", "progressive", "arithmetic", "progressive arithmetic") and c.size == (48, 40)]
    for i, case in enumerate(chosen[::7] + [c for c in files if c.group == "grey" and c.size == (48, 40)]):
        data = case.path.read_bytes()
        groups = [("variants", variants(data))]
        if "arithmetic" not in case.group + case.name or b"\xff\xdd" in data:
            groups.append(("damaged", damaged(data)))
        for group, changed in groups:
            for j, (what, changed_data) in enumerate(changed):
                path = folder / f"{group}-{i}-{j}.jpg"
                path.write_bytes(changed_data)
                files.append(Case(group, f"{what} of {case.group} {case.name}", path, case.size))
    return files, refused


def compare(folder, decode):
    files, unmade = generate(folder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        references = list(pool.map(lambda case: reference(case.path), files))
    reports = decode(files)
    table = collections.defaultdict(collections.Counter)
    wrong, refusals = [], collections.defaultdict(collections.Counter)
    for case, (right, warning), report in zip(files, references, reports):
        row = table[case.group]
        row["files"] += 1
        problem = None
        if "error" in report:
            row["refused"] += 1
            error = report["error"].split(": ", 1)[-1]
            refusals[case.group][error] += 1
            if report["exit_code"] != 3:
                problem = f"expected exit code 3, found {report['exit_code']}: {error}"
            elif case.group not in REFUSALS and right and not warning:
                problem = f"libjpeg reads it: {error}"
            elif REFUSALS.get(case.group, "") not in error:
                problem = f"expected another refusal, found: {error}"
        elif case.group == "damaged" and (warning or not right):
            problem = f"read, and damaged: {warning}"
        elif not right:
            problem = f"read, and libjpeg refuses it: {warning}"
        else:
            size, channels, samples = read_tiff(case.path.with_suffix(".tif").read_bytes())
            if (size, channels) != right[:2]:
                problem = f"expected {right[:2]}, found {(size, channels)}"
            else:
                luma, most = (0, 0) if samples == right[2] else differences(samples, right[2], channels)
                row["exact"] += most == 0
                row["near"] += most > 0
                row["luma"], row["most"] = max(row["luma"], round(luma)), max(row["most"], most)
                if luma > LUMA or most > SAMPLE:
                    problem = f"luma {luma} and samples {most} off"
        if problem:
            row["wrong"] += 1
            wrong.append(f"{case.group}, {case.name}, {case.size}, {case.path.name}: {problem}")
    columns = ["files", "exact", "near", "refused", "wrong", "luma", "most"]
    print(f"{'':24}" + "".join(f"{c:>9}" for c in columns))
    for group, row in table.items():
        print(f"{group:24}" + "".join(f"{row[c]:9}" for c in columns))
    for group, counts in refusals.items():
        for error, count in counts.most_common(6):
            print(f"refused, {group}: {count} × {error}")
    for why, count in unmade.items():
        print(f"not made: {count} × {why}")
    for line in wrong[:40]:
        print(f"WRONG {line}")
    total = sum(row["files"] for row in table.values())
    exact = sum(row["exact"] for row in table.values())
    refused = sum(row["refused"] for row in table.values())
    version = subprocess.run(["djpeg", "-version"], stderr=subprocess.PIPE, text=True).stderr.strip()
    print(f"{total} files: {exact} to the bit as {version} has them, {refused} refused, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
