#!/usr/bin/env python3
"""Checks what a filled JPEG keeps of its input: python3 tools/compare/blocks.py PROGRAM WEIGHTS [--files JPEG ...].

Fills a box in every third file that jpeg.py makes, except kinds that are encoded anew, some of them turned by EXIF, or in the
given files. Then libjpeg reads the coefficients that are stored before and after (blocks.c):

- Blocks that the hole does not touch are the same, and so are quantisation tables, sampling, kind of coding and restart
  interval.
- Pixels, as djpeg has them, are the same but in touched MCUs and in the pixel beside those, which chroma reaches.
- The luma of touched blocks is that of the fill and of what was known, within what the quantisation table allows.
- What is coded grows or shrinks by no more than 2 % and a byte for each sample of touched blocks.
- Filled again, the result is the same byte for byte; with --seal off, it keeps all blocks that are not touched.
- Without a hole, scans in Huffman coding are the same byte for byte; others hold the same coefficients.

Prints by how much the known pixels of touched MCUs change, of 255: the mean of all samples and the most, and the mean of the
change by a second fill.

Needs a C compiler, Debian's libjpeg62-turbo-dev and libjpeg-turbo-progs. Ends with exit code 1 where one file is wrong.
"""

import argparse
import collections
import concurrent.futures
import math
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

import jpeg

HERE = pathlib.Path(__file__).parent

Job = collections.namedtuple("Job", "group name path size orientation hole")

TOUCHED, CHANGED, OTHERS, WRONG, SAME = range(5)


def upright(hole, size, orientation):
    """Size and hole, as the file stores them, turned upright."""
    (x, y, w, h), (width, height) = hole, size
    if orientation >= 5:
        x, y, w, h, width, height = y, x, h, w, height, width
    if orientation in (2, 3, 6, 7):
        x = width - x - w
    if orientation in (3, 4, 7, 8):
        y = height - y - h
    return (x, y, w, h), (width, height)


def mask(size, hole):
    """A PNG, white in the hole; black without one."""
    (width, height), (x, y, w, h) = size, hole or (0, 0, 0, 0)
    rows = b"".join(
        bytes(1) + bytes(255 if x <= i < x + w and y <= j < y + h else 0 for i in range(width)) for j in range(height)
    )
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def turned(data, orientation):
    """The file with an EXIF orientation."""
    block = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0]) + bytes(4)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def is_kept(case):
    """Whether files of this kind keep blocks; others are encoded anew."""
    kind = case.group + case.name
    if case.group in ("damaged", "fraction"):
        return False
    # An MCU of more than 10 blocks, which only files of one component a scan may have.
    factors = case.name.split(" ")[0].split(",")
    blocks = [int(f[0]) * int(f[2]) for f in (factors + ["1x1", "1x1"])[:3] if len(f) == 3 and f[1] == "x"]
    if "arithmetic" in kind:
        # Of several scans, or progressive with restart markers; names end in a restart interval, or a blank without one.
        if "reversed" in kind or "first pair" in kind or "progressive" in kind and not kind.endswith(" "):
            return False
    return sum(blocks) <= 10 or not any(word in kind for word in ("progressive", "arithmetic"))


def generated(folder):
    """Jobs on files of every kind; a hole leaves more than half of a picture."""
    files, _ = jpeg.generate(folder)
    for i, case in enumerate([c for c in files if is_kept(c)][::3]):
        (width, height), orientation = case.size, 1 + i % 8 if i % 5 == 0 else 1
        if width * height < 50:
            continue
        if orientation > 1:
            case.path.write_bytes(turned(case.path.read_bytes(), orientation))
        w, h = max(1, width // 3), max(1, height // 3)
        # In the middle, or at the right and lower edge.
        hole = (width - w, height - h, w, h) if i % 4 == 0 else (width // 3, height // 3, w, h)
        yield Job(case.group, case.name, case.path, case.size, orientation, hole)


def orientation_of(data):
    """The EXIF orientation."""
    at = data.find(b"Exif\0\0") + 6
    if at < 6 or data[at : at + 2] not in (b"II", b"MM"):
        return 1
    order = "<" if data[at : at + 2] == b"II" else ">"
    ifd = at + struct.unpack(order + "I", data[at + 4 : at + 8])[0]
    for i in range(struct.unpack(order + "H", data[ifd : ifd + 2])[0]):
        tag, _, _, value = struct.unpack(order + "HHIH", data[ifd + 2 + 12 * i : ifd + 12 + 12 * i])
        if tag == 0x112 and 1 <= value <= 8:
            return value
    return 1


def given(paths):
    """Jobs on photographs: a hole of a hundredth of the area, at places that no grid has."""
    for path in paths:
        data = path.read_bytes()
        at = next(start for marker, start, _ in jpeg.segments(data) if marker in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA))
        height, width = struct.unpack(">HH", data[at + 5 : at + 9])
        side = max(1, min(width, height) // 10)
        yield Job("given", path.name, path, (width, height), orientation_of(data), (width // 3 + 3, height // 3 + 5, side, side))


def filled(args, folder, jobs, ending, hole=lambda job: job.hole, image=lambda job: job.path):
    """Fills each job's hole; results are beside the images, with `ending`. Returns reports."""
    lines, masks = [], {}
    for job in jobs:
        of_mask = upright(hole(job) or (0, 0, 0, 0), job.size, job.orientation)
        if of_mask not in masks:
            masks[of_mask] = folder / f"mask-{len(masks)}-{ending}.png"
            masks[of_mask].write_bytes(mask(of_mask[1], of_mask[0]))
        lines.append(f"{image(job)}\t{masks[of_mask]}\t{folder / job.path.stem}-{ending}\n")
    return jpeg.batch(args.program, lines, "--weights", args.weights, "--texture", args.texture, "--seal", args.seal)


def coefficients(tool, pairs):
    """What blocks.c prints of each pair of files, with the hole."""
    lines = "".join(f"{' '.join(map(str, hole))}\t{before}\t{after}\n" for hole, before, after in pairs)
    done = subprocess.run([tool], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        yield line if line.startswith("ERROR") else list(map(int, line.split()))


def luma_table(data):
    """Quantisation table, sampling factors of the first component, and whether no other one is finer."""
    parts = list(jpeg.segments(data))
    frame = next(data[s + 4 : e] for marker, s, e in parts if marker in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA))
    components = [frame[6 + 3 * i : 9 + 3 * i] for i in range(frame[5])]
    factors = [(c[1] >> 4, c[1] & 15) for c in components]
    tables = {}
    for marker, start, end in parts:
        at = start + 4
        while marker == 0xDB and at < end:
            wide = data[at] >> 4
            values = struct.unpack(">64H", data[at + 1 : at + 129]) if wide else data[at + 1 : at + 65]
            tables.setdefault(data[at] & 15, values)
            at += 129 if wide else 65
    return tables[components[0][2]], factors[0], all(factors[0][k] == max(f[k] for f in factors) for k in (0, 1))


def grey(path):
    """The first component, as libjpeg decodes it."""
    done = subprocess.run(["djpeg", "-dct", "int", "-grayscale", "-pnm", str(path)], stdout=subprocess.PIPE)
    return jpeg.read_pnm(done.stdout)[2] if done.stdout else None


def luma_fault(job, result, fill):
    """Why the luma of a touched block is not as near to the fill as its table allows."""
    (width, height), (x0, y0, w, h) = job.size, job.hole
    if job.orientation != 1 or job.group in ("RGB", "variants", "given"):
        return None
    table, _, is_finest = luma_table(job.path.read_bytes())
    if not is_finest:
        return None
    known, found = grey(job.path), grey(result)
    if not found:
        return "libjpeg does not read the result"
    _, channels, samples = jpeg.read_tiff(fill.read_bytes())
    # Each coefficient is a step off at most; samples are rounded before and behind.
    allowed = math.sqrt(sum(step * step for step in table)) + 8
    for by in range(y0 // 8, (y0 + h + 7) // 8):
        for bx in range(x0 // 8, (x0 + w + 7) // 8):
            off = 0
            for y in range(8 * by, min(8 * by + 8, height)):
                for x in range(8 * bx, min(8 * bx + 8, width)):
                    at = y * width + x
                    right = known[at]
                    if x0 <= x < x0 + w and y0 <= y < y0 + h:
                        r, g, b = samples[channels * at : channels * at + 3] if channels == 3 else 3 * [samples[at]]
                        right = 0.299 * r + 0.587 * g + 0.114 * b
                    off += (right - found[at]) ** 2
            if math.sqrt(off) > allowed:
                return f"luma of block {bx}, {by} is {math.sqrt(off):.1f} off, {allowed:.1f} allowed"
    return None


def mcu(data):
    """Width and height of an MCU, pixels."""
    frame = next(data[s + 4 : e] for marker, s, e in jpeg.segments(data) if marker in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA))
    factors = [frame[7 + 3 * i] for i in range(frame[5])]
    return 8 * max(f >> 4 for f in factors), 8 * max(f & 15 for f in factors)


def known_change(job, before, after):
    """What is wrong beyond touched MCUs; sum, count and maximum of the changes of what is known in them."""
    if job.group == "variants":
        return None, 0, 0, 0
    (before, _), (after, _) = jpeg.reference(before), jpeg.reference(after)
    if not after:
        return "djpeg does not read the result", 0, 0, 0
    (width, height), channels, before = before
    (x0, y0, w, h), (across, down), after = job.hole, mcu(job.path.read_bytes()), after[2]
    left, top, right, bottom = x0 // across * across, y0 // down * down, -(-(x0 + w) // across) * across, -(-(y0 + h) // down) * down
    total = count = most = 0
    for y in range(height):
        row = slice(channels * width * y, channels * width * (y + 1))
        a, b = before[row], after[row]
        if a == b and not top <= y < bottom:
            continue
        for at in range(len(a)):
            x = at // channels
            is_within = left <= x < right and top <= y < bottom
            if a[at] != b[at] and not is_within and not (left - 1 <= x <= right and top - 1 <= y <= bottom):
                return f"pixel {x}, {y} differs", 0, 0, 0
            if is_within and not (x0 <= x < x0 + w and y0 <= y < y0 + h):
                total, count, most = total + abs(a[at] - b[at]), count + 1, max(most, abs(a[at] - b[at]))
    return None, total, count, most


def size_fault(job, result, touched):
    before, after = (sum(map(len, coded(path))) for path in (job.path, result))
    if abs(after - before) > before / 50 + 64 * touched:
        return f"{before} bytes became {after}"
    return None


def coded(path):
    """What is coded of a file: scans with their headers."""
    data = path.read_bytes()
    return [data[start:end] for marker, start, end in jpeg.segments(data) if marker == 0xDA]


def check(args, folder, jobs, tool):
    result = lambda ending: lambda job: folder / f"{job.path.stem}-{ending}"
    reports = filled(args, folder, jobs, "once.jpg")
    refused = [f"{job.group}, {job.name}: {r['error']}" for job, r in zip(jobs, reports) if "error" in r]
    jobs = [job for job, report in zip(jobs, reports) if "error" not in report]
    filled(args, folder, jobs, "fill.tif")
    filled(args, folder, jobs, "twice.jpg", image=result("once.jpg"))
    filled(args, folder, jobs, "none.jpg", hole=lambda job: None)
    faults, table = [], collections.defaultdict(collections.Counter)
    once, twice, none = (
        list(coefficients(tool, [(hole(job), before(job), result(ending)(job)) for job in jobs]))
        for ending, before, hole in (
            ("once.jpg", lambda job: job.path, lambda job: job.hole),
            ("twice.jpg", lambda job: job.path, lambda job: job.hole),
            ("none.jpg", lambda job: job.path, lambda job: (0, 0, 0, 0)),
        )
    )
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        lumas = list(pool.map(lambda job: luma_fault(job, result("once.jpg")(job), result("fill.tif")(job)), jobs))
        changes = list(pool.map(lambda job: known_change(job, job.path, result("once.jpg")(job)), jobs))
        again = list(pool.map(lambda job: known_change(job, *(result(e)(job) for e in ("once.jpg", "twice.jpg"))), jobs))
    for job, luma, (beyond, total, samples, most), (_, total_again, *_), *counts in zip(jobs, lumas, changes, again, once, twice, none):
        row = table[job.group]
        row["files"] += 1
        row["total"], row["samples"], row["most"] = row["total"] + total, row["samples"] + samples, max(row["most"], most)
        row["again"] += total_again
        of_job = [fault for fault in (luma, beyond) if fault]
        for when, count in zip(("filled", "filled twice", "without a hole"), counts):
            if isinstance(count, str):
                of_job.append(f"{when}: {count}")
            elif count[WRONG] or not count[SAME]:
                of_job.append(f"{when}: {count[WRONG]} of {count[OTHERS]} other blocks differ, same coding: {count[SAME]}")
        if args.seal == "on" and result("twice.jpg")(job).read_bytes() != result("once.jpg")(job).read_bytes():
            of_job.append("filled twice, other bytes")
        if not of_job:
            row["touched"] += counts[0][TOUCHED]
            row["changed"] += counts[0][CHANGED]
            row["kept"] += counts[0][OTHERS]
            if job.group != "variants":
                of_job += filter(None, [size_fault(job, result("once.jpg")(job), counts[0][TOUCHED])])
            is_sequential = not ("progressive" in job.group + job.name or "arithmetic" in job.group + job.name)
            if is_sequential and job.group not in ("given", "variants") and coded(job.path) != coded(result("none.jpg")(job)):
                of_job.append("without a hole, other bytes")
        row["wrong"] += bool(of_job)
        faults += [f"{job.group}, {job.name}, {job.size}, {job.path.name}: {fault}" for fault in of_job]
    columns = ["files", "touched", "changed", "kept", "wrong", "most"]
    print(f"{'':24}" + "".join(f"{c:>9}" for c in [*columns, "mean", "again"]))
    for group, row in table.items():
        means = (row[c] / max(1, row["samples"]) for c in ("total", "again"))
        print(f"{group:24}" + "".join(f"{row[c]:9}" for c in columns) + "".join(f"{mean:9.3f}" for mean in means))
    for line in [f"REFUSED {line}" for line in refused] + [f"WRONG {line}" for line in faults[:40]]:
        print(line)
    print(f"{len(jobs)} files: {len(refused)} refused, {len({fault.split(': ')[0] for fault in faults})} wrong")
    return 1 if faults or (refused and not args.files) or not jobs else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="inpaint-edge")
    parser.add_argument("weights", help="a network; a small one fills as well here")
    parser.add_argument("--files", nargs="+", type=pathlib.Path, metavar="JPEG", help="instead of files that are made")
    parser.add_argument("--texture", default="auto", help="as the program has it")
    parser.add_argument("--seal", choices=["on", "off"], default="on", help="as the program has it")
    parser.add_argument("--keep", metavar="DIR", help="keep the files there")
    args = parser.parse_args()
    folder = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="blocks-"))
    folder.mkdir(exist_ok=True)
    tool = folder / "blocks"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", HERE / "blocks.c", "-o", tool, "-ljpeg"], check=True)
    jobs = list(given(args.files) if args.files else generated(folder))
    code = check(args, folder, jobs, tool)
    if not args.keep:
        shutil.rmtree(folder)
    sys.exit(code)


if __name__ == "__main__":
    main()
