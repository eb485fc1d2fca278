"""TIFF files of every layout, filled by the program: what is outside the hole is exact, or the file is refused by name.

python3 tools/compare/tiff.py PROGRAM [WEIGHTS], with Python's own library and Debian's libtiff-tools.

The files are written here and by libtiff's tiffcp. Their samples are known from how they are made; libtiff reads each
file, too, and has to find the same samples in what it reads. A box of one pixel is filled in each, by `batch`. A
violation is a file that comes out with another sample outside the box, one that is refused though its kind is read, and
one that is refused with another exit code than 3 or without its kind's name. Results are read here: they are
uncompressed.
"""

import collections
import itertools
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

WIDTH, HEIGHT = 37, 21
GREY_WHITE, GREY, RGB, PALETTE, MASK, CMYK, YCBCR, LAB = 0, 1, 2, 3, 4, 5, 6, 8
NONE, LZW, DEFLATE, PACKBITS, OLD_DEFLATE = 1, 5, 8, 32773, 32946
SHORT, LONG, LONG8 = 3, 4, 16
NAMES = {GREY_WHITE: "white-is-zero", GREY: "grey", RGB: "rgb", PALETTE: "palette"}
COMPRESSIONS = {NONE: "none", LZW: "lzw", DEFLATE: "deflate", PACKBITS: "packbits", OLD_DEFLATE: "old-deflate"}


class Picture:
    """Samples as they are stored, and as they come out: rows of tuples."""

    def __init__(self, photometric, bits, extra=None, narrow_map=False):
        self.photometric, self.bits, self.extra = photometric, bits, extra
        colours = {RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3}.get(photometric, 1)
        self.samples = colours + (extra is not None)
        most = (1 << bits) - 1
        random.seed(f"{photometric} {bits} {extra}")

        def pixel(x, y):
            noise = random.randrange(most + 1)
            values = [(x * 7 + y * 3 + 11 * k) * most // 400 for k in range(colours - 1)] + [noise]
            values = [value & most for value in values]
            if extra is not None:
                alpha = random.choice([0, 1, most // 2, most - 1, most]) if most > 3 else random.randrange(most + 1)
                if extra == 1:
                    values = [value * alpha // most for value in values]
                values.append(alpha)
            return tuple(values)

        self.rows = [[pixel(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]
        self.map = None
        if photometric == PALETTE:
            high = 256 if narrow_map else 65536
            self.map = [random.randrange(high) for _ in range(3 << bits)]
            if not narrow_map:
                self.map[0] |= 256
        shift = 0 if narrow_map else 8

        def out(pixel):
            if photometric == PALETTE:
                return tuple(self.map[pixel[0] + (plane << bits)] >> shift for plane in range(3))
            scale = 255 // most if bits < 8 else 1
            values = [value * scale for value in pixel]
            full = most * scale
            if photometric == GREY_WHITE:
                values[0] = full - values[0]
            if extra == 1 and values[-1] < full:
                alpha = values[-1]
                divided = [min((v * full + alpha // 2) // alpha, full) if alpha else 0 for v in values[:-1]]
                values = divided + [alpha]
            return tuple(values)

        self.expected = [[out(pixel) for pixel in row] for row in self.rows]


def pack(values, bits, order):
    """Samples of a row as bytes."""
    if bits == 8:
        return bytes(values)
    if bits in (16, 32):
        return struct.pack(order + {16: "H", 32: "I"}[bits] * len(values), *values)
    number, length = 0, 0
    for value in values:
        number, length = number << bits | value, length + bits
    padding = -length % 8
    return (number << padding).to_bytes((length + padding) // 8, "big")


def packbits(data):
    """Literal runs and repeats, as the specification has them."""
    out, i = bytearray(), 0
    while i < len(data):
        run = 1
        while i + run < len(data) and run < 128 and data[i + run] == data[i]:
            run += 1
        if run > 2:
            out += bytes([257 - run, data[i]])
            i += run
            continue
        end = i + 1
        while end < len(data) and end - i < 128 and data[end - 1 : end + 1] != data[end : end + 2]:
            end += 1
        out += bytes([end - i - 1]) + data[i:end]
        i = end
    return bytes(out)


def lzw(data):
    """Codes of 9 to 12 bits, the highest bit first, wider one code early."""
    number, length = 0, 0

    def put(code, width):
        nonlocal number, length
        number, length = number << width | code, length + width

    table, width, word = {bytes([i]): i for i in range(256)}, 9, b""
    put(256, width)
    after = 258
    for byte in data:
        longer = word + bytes([byte])
        if longer in table:
            word = longer
            continue
        put(table[word], width)
        table[longer] = after
        after += 1
        if after == 4094:
            put(256, width)
            table, width, after = {bytes([i]): i for i in range(256)}, 9, 258
        elif after == 1 << width:
            width += 1
        word = bytes([byte])
    put(table[word], width)
    put(257, width + (after + 1 == 1 << width))
    padding = -length % 8
    return (number << padding).to_bytes((length + padding) // 8, "big")


REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
COMPRESS = {NONE: bytes, LZW: lzw, DEFLATE: zlib.compress, PACKBITS: bytes, OLD_DEFLATE: zlib.compress}


def tiff(picture, order="<", big=False, compression=NONE, predictor=1, planar=1, tile=None, rows=HEIGHT, fill_order=1,
         change=None, link=0):
    """A file; `change` gets its fields, tag: (kind, values), before they are written."""
    bits, samples = picture.bits, picture.samples
    parts = []
    width, height = tile or (WIDTH, rows)
    for plane in range(samples if planar == 2 else 1):
        for top, left in itertools.product(range(0, HEIGHT, height), range(0, WIDTH, width)):
            data = b""
            for y in range(top, top + height if tile else min(top + height, HEIGHT)):
                inside = picture.rows[y][left : left + width] if y < HEIGHT else []
                inside = inside + [(0,) * samples] * (width - len(inside))
                each = 1 if planar == 2 else samples
                values = [v for pixel in inside for v in (pixel[plane : plane + 1] if planar == 2 else pixel)]
                if predictor == 2:
                    before = [0] * each + values
                    values = [(v - b) % (1 << bits) for v, b in zip(values, before)]
                row = pack(values, bits, order)
                # Runs do not go from row to row.
                data += packbits(row) if compression == PACKBITS else row
            data = COMPRESS[compression](data)
            parts.append(data.translate(REVERSED) if fill_order == 2 else data)
    fields = {
        256: (SHORT, [WIDTH]), 257: (SHORT, [HEIGHT]), 258: (SHORT, [bits] * samples), 259: (SHORT, [compression]),
        262: (SHORT, [picture.photometric]), 277: (SHORT, [samples]), 284: (SHORT, [planar]),
    }
    place, count = (324, 325) if tile else (273, 279)
    if tile:
        fields |= {322: (SHORT, [width]), 323: (SHORT, [height])}
    else:
        fields[278] = (LONG, [rows])
    if predictor != 1:
        fields[317] = (SHORT, [predictor])
    if fill_order != 1:
        fields[266] = (SHORT, [fill_order])
    if picture.map:
        fields[320] = (SHORT, picture.map)
    if picture.extra is not None:
        fields[338] = (SHORT, [picture.extra])
    start = 16 if big else 8
    body = bytearray(b"\0" * start)
    offsets = []
    for data in parts:
        offsets.append(len(body))
        body += data + b"\0" * (len(data) % 2)
    fields[place] = (LONG8 if big else LONG, offsets)
    fields[count] = (LONG, [len(data) for data in parts])
    if change:
        change(fields)
    word = "Q" if big else "I"
    entries = b""
    for tag, (kind, values) in sorted(fields.items()):
        data = struct.pack(order + {SHORT: "H", LONG: "I", LONG8: "Q"}[kind] * len(values), *values)
        size = struct.calcsize(word)
        if len(data) > size:
            body += b"\0" * (len(body) % 2)
            data, at = struct.pack(order + word, len(body)), data
            body += at
        entries += struct.pack(order + "HH" + word, tag, kind, len(values)) + data.ljust(size, b"\0")
    body += b"\0" * (len(body) % 8)
    head = b"II" if order == "<" else b"MM"
    if big:
        head += struct.pack(order + "HHHQ", 43, 8, 0, len(body))
        body += struct.pack(order + "Q", len(fields)) + entries + struct.pack(order + "Q", link)
    else:
        head += struct.pack(order + "HI", 42, len(body))
        body += struct.pack(order + "H", len(fields)) + entries + struct.pack(order + "I", link)
    body[: len(head)] = head
    return bytes(body)


def plain(path):
    """Rows of tuples of an uncompressed TIFF, and its fields."""
    data = pathlib.Path(path).read_bytes()
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2) == (43,)
    word, start = ("Q", 8) if big else ("I", 4)
    (at,) = struct.unpack_from(order + word, data, start)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    head, size = struct.calcsize("<HH" + word), struct.calcsize(word)
    fields = {}
    for i in range(count):
        where = at + (8 if big else 2) + (head + size) * i
        tag, kind, n = struct.unpack_from(order + "HH" + word, data, where)
        form = {SHORT: "H", LONG: "I", LONG8: "Q"}.get(kind)
        if form is None:
            continue
        where += head
        if n * struct.calcsize(form) > size:
            (where,) = struct.unpack_from(order + word, data, where)
        fields[tag] = struct.unpack_from(order + form * n, data, where)
    (width,), (height,), bits = fields[256], fields[257], fields[258][0]
    samples, planar = fields.get(277, (1,))[0], fields.get(284, (1,))[0]
    assert fields.get(259, (1,)) == (1,), path
    reverse = fields.get(266, (1,)) == (2,)
    tiled = 322 in fields
    across, down = (fields[322][0], fields[323][0]) if tiled else (width, min(fields.get(278, (height,))[0], height))
    parts = [data[a : a + n] for a, n in zip(fields[324 if tiled else 273], fields[325 if tiled else 279])]
    planes = samples if planar == 2 else 1
    each, row = samples // planes, (across * samples // planes * bits + 7) // 8
    rows = [[() for _ in range(width)] for _ in range(height)]
    places = itertools.product(range(planes), range(0, height, down), range(0, width, across))
    for part, (_, top, left) in zip(parts, places, strict=True):
        part = part.translate(REVERSED) if reverse else part
        for y in range(top, min(top + down, height)):
            line = part[(y - top) * row :][:row]
            if bits == 8:
                values = line
            elif bits == 16:
                values = struct.unpack(order + "H" * (len(line) // 2), line)
            else:
                number = int.from_bytes(line, "big")
                values = [number >> (8 * row - bits * (i + 1)) & (1 << bits) - 1 for i in range(across * each)]
            for x in range(left, min(left + across, width)):
                rows[y][x] += tuple(values[(x - left) * each :][:each])
    return rows, fields


class Files:
    def __init__(self, folder):
        self.folder = folder
        self.files = []

    def add(self, name, kind, picture=None, data=None, refused=None):
        """A file of this kind, which is read as `picture`, or refused with these words."""
        path = self.folder / f"{name}.tif"
        if data is not None:
            path.write_bytes(data)
        self.files.append((path, kind, picture, refused))
        return path


def written_here(files):
    kinds = [(GREY_WHITE, b, e) for b, e in ((1, None), (4, None), (8, None), (8, 2), (16, None))]
    kinds += [(GREY, b, None) for b in (1, 2, 4, 8, 16)] + [(GREY, 8, 0), (GREY, 8, 1), (GREY, 8, 2), (GREY, 16, 2)]
    kinds += [(RGB, b, None) for b in (1, 2, 4, 8, 16)]
    kinds += [(RGB, b, e) for b in (8, 16) for e in (0, 1, 2)]
    kinds += [(PALETTE, b, None) for b in (1, 2, 4, 8)]
    parts = [("one-strip", {}), ("strips", {"rows": 4}), ("rows", {"rows": 1})]
    parts += [("tiles", {"tile": (16, 16)}), ("one-tile", {"tile": (48, 32)})]
    for photometric, bits, extra in kinds:
        picture = Picture(photometric, bits, extra)
        kind = f"{NAMES[photometric]} {bits} bit" + ("" if extra is None else f", extra {extra}")
        for compression, predictor in [(c, 1) for c in COMPRESS] + [(LZW, 2), (DEFLATE, 2)]:
            if predictor == 2 and (bits < 8 or photometric == PALETTE):
                continue
            for (part, options), planar in itertools.product(parts, (1, 2) if picture.samples > 1 else (1,)):
                # Every one of these once in each part, and not in all combinations.
                turn = len(files.files)
                options = options | {"order": "<>"[turn % 2], "big": turn % 3 == 0, "fill_order": 1 + (turn % 5 == 0)}
                name = f"{turn}-{kind}-{COMPRESSIONS[compression]}-{predictor}-{part}-{planar}"
                name = name.replace(" ", "_").replace(",", "")
                data = tiff(picture, compression=compression, predictor=predictor, planar=planar, **options)
                files.add(name, kind, picture, data)


def as_libtiff_takes_them(files):
    """Directories that are not what they should be."""
    rgb, grey, palette = Picture(RGB, 8), Picture(GREY, 8), Picture(PALETTE, 8, narrow_map=True)

    def twice(fields):
        fields.update({tag: (kind, values * 2) for tag, (kind, values) in fields.items() if tag in (273, 279)})

    def as_strips(fields):
        fields.update({273: fields.pop(324), 279: fields.pop(325)})

    def setting(tag, kind, *values):
        return lambda fields: fields.update({tag: (kind, list(values))})

    def dropping(*tags):
        return lambda fields: [fields.pop(tag) for tag in tags]

    for order in "<>":
        for name, picture, options in (
            ("bits-one-too-many", rgb, {"change": setting(258, SHORT, 8, 8, 8, 8)}),
            ("bits-one-for-all", rgb, {"change": setting(258, SHORT, 8)}),
            ("byte-count-zero", rgb, {"change": setting(279, LONG, 0)}),
            ("byte-count-too-large", rgb, {"change": setting(279, LONG, 1 << 30)}),
            ("byte-count-too-small", rgb, {"change": setting(279, LONG, 7)}),
            ("byte-count-missing", rgb, {"change": dropping(279)}),
            ("byte-count-missing-lzw", rgb, {"compression": LZW, "change": dropping(279)}),
            ("rows-per-strip-most", rgb, {"change": setting(278, LONG, 0xFFFFFFFF)}),
            ("rows-per-strip-missing", rgb, {"change": dropping(278)}),
            ("rows-per-strip-zero", rgb, {"change": setting(278, LONG, 0)}),
            ("no-photometric-grey", grey, {"change": dropping(262)}),
            ("no-photometric-rgb", rgb, {"change": dropping(262)}),
            ("no-samples-compression-planes", grey, {"change": dropping(277, 259, 284)}),
            ("predictor-without-a-codec", rgb, {"change": setting(317, SHORT, 2)}),
            ("predictor-of-packbits", rgb, {"compression": PACKBITS, "change": setting(317, SHORT, 2)}),
            ("strips-to-spare", rgb, {"change": twice}),
            ("tile-tags-of-strips", rgb, {"tile": (16, 16), "change": as_strips}),
            ("palette-of-8-bits", palette, {}),
            ("link-outside", rgb, {"link": 1 << 30}),
            ("link-to-header", rgb, {"link": 2}),
            ("link-to-pixels", rgb, {"link": 8}),
            ("format-void", rgb, {"change": setting(339, SHORT, 4, 4, 4)}),
        ):
            data = tiff(picture, order=order, **options)
            files.add(f"odd-{name}-{'le' if order == '<' else 'be'}", "odd directories", picture, data)
    looped = bytearray(tiff(rgb))
    looped[-4:] = looped[4:8]
    files.add("odd-link-to-itself", "odd directories", rgb, bytes(looped))


def written_by_libtiff(files, sh):
    options = [
        f"-c {codec} {part} {more}".split()
        for codec in ("none", "lzw", "lzw:2", "zip", "zip:2", "packbits")
        for part in ("-r 5", "-t -w 32 -l 16", "-r 3 -p separate", "-t -w 16 -l 32 -p separate")
        for more in ("-L", "-B", "-8", "-f lsb2msb", "-B -8 -f lsb2msb")
    ]
    kinds = [(GREY, 8, None), (GREY_WHITE, 1, None), (RGB, 8, None), (RGB, 16, 2), (PALETTE, 4, None)]
    for photometric, bits, extra in kinds:
        picture = Picture(photometric, bits, extra)
        kind = f"by libtiff, {NAMES[photometric]} {bits} bit" + ("" if extra is None else f", extra {extra}")
        base = files.folder / "base"
        base.write_bytes(tiff(picture))
        for i, option in enumerate(options):
            # What tiffcp does not do.
            if bits < 8 and any(":2" in word for word in option) or bits != 8 and "separate" in option:
                continue
            path = files.add(f"libtiff-{photometric}-{bits}-{i}", kind, picture)
            sh("tiffcp", *option, base, path)
        base.unlink()


def refused(files, sh):
    grey, rgb, bilevel = Picture(GREY, 8), Picture(RGB, 8), Picture(GREY_WHITE, 1)
    add = lambda name, picture, words, **options: files.add(
        f"refused-{name}", f"refused: {words}", None, tiff(picture, **options), words)
    for order in "<>":
        side = "le" if order == "<" else "be"
        add(f"cmyk-{side}", Picture(CMYK, 8), "CMYK", order=order)
        add(f"ycbcr-{side}", Picture(YCBCR, 8), "YCbCr", order=order)
        add(f"lab-{side}", Picture(LAB, 8), "Lab", order=order)
        add(f"deep-{side}", Picture(GREY, 32), "found 32", order=order)
        add(f"12-bit-{side}", Picture(GREY, 12), "found 12", order=order)
        for value, words in ((2, "signed samples"), (3, "float samples"), (5, "complex samples")):
            set_format = lambda fields, value=value: fields.update({339: (SHORT, [value])})
            add(f"format-{value}-{side}", Picture(GREY, 32), words, order=order, change=set_format)
        both = lambda fields: fields.update({338: (SHORT, [2, 0]), 277: (SHORT, [5]), 258: (SHORT, [8] * 5)})
        add(f"two-extra-{side}", rgb, "found 5", order=order, change=both)
        uneven = lambda fields: fields.update({258: (SHORT, [5, 6, 5])})
        add(f"bits-differ-{side}", rgb, "several kinds", order=order, change=uneven)
        unknown = lambda fields: fields.update({262: (SHORT, [99])})
        add(f"photometric-{side}", rgb, "colours of kind 99", order=order, change=unknown)
    base = files.folder / "base"
    for name, picture, option, words in (
        ("g3", bilevel, "-c g3", "group 3"), ("g4", bilevel, "-c g4", "group 4"), ("jpeg", grey, "-c jpeg", "JPEG"),
        ("jpeg-rgb", rgb, "-c jpeg", "JPEG"), ("zstd", rgb, "-c zstd", "Zstandard"), ("lzma", rgb, "-c lzma", "LZMA"),
        ("webp", rgb, "-c webp:100", "WebP"),
    ):
        base.write_bytes(tiff(picture))
        path = files.folder / f"refused-{name}.tif"
        sh("tiffcp", *option.split(), base, path)
        files.add(f"refused-{name}", f"refused: {words}", None, None, words)
    base.write_bytes(tiff(rgb))
    path = files.add("refused-pages", "refused: 3 pictures", None, None, "3 pictures")
    sh("tiffcp", base, base, base, path)
    base.unlink()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    if shutil.which("tiffcp") is None:
        sys.exit("expected tiffcp, found none: apt-get install libtiff-tools")
    program, *weights = sys.argv[1:]
    weights = ["--weights", weights[0]] if weights else []
    violations, counts = [], collections.Counter()

    def sh(*command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(str(word) for word in command)}: {done.stderr.strip()}")

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = Files(folder)
        written_here(files)
        as_libtiff_takes_them(files)
        written_by_libtiff(files, sh)
        refused(files, sh)

        def out(path):
            return folder / "out" / path.name

        (folder / "out").mkdir()
        lines = "".join(f"{path}\t{out(path)}\n" for path, *_ in files.files)
        command = [program, "batch", "--box", "0,0,1,1", "--json-lines", *weights]
        done = subprocess.run(command, input=lines, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            violations.append(f"batch: exit code {done.returncode}: {done.stderr[-500:]}")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        if len(records) != len(files.files):
            violations.append(f"expected {len(files.files)} records, found {len(records)}")
        for record, (path, kind, picture, words) in zip(records, files.files):
            error = record.get("error")
            if error is not None:
                what = "refused"
                if record["exit_code"] != 3 or out(path).exists():
                    violations.append(f"{path.name}: exit code {record['exit_code']}, {error}")
                if picture is not None or words not in error:
                    violations.append(f"{path.name}: {error}")
            elif picture is None:
                what = "garbage"
                violations.append(f"{path.name}: expected a refusal ({words}), found none")
            else:
                what = "exact"
                rows, fields = plain(out(path))
                known = [(y, x) for y in range(HEIGHT) for x in range(WIDTH) if (x, y) != (0, 0)]
                wrong = [(x, y) for y, x in known if rows[y][x] != picture.expected[y][x]]
                extra = {None: (), 0: (0,), 1: (2,), 2: (2,)}[picture.extra]
                if wrong or len(rows) != HEIGHT or fields.get(338, ()) != extra:
                    what = "garbage"
                    violations.append(f"{path.name}: {len(wrong)} pixels differ, the first at {wrong[:1]}")
            counts[kind, what] += 1
        # The files are what they are meant to be: libtiff finds the same samples.
        read = 0
        for path, kind, picture, _ in files.files:
            # tiffcp mistakes planes in tiles for 8 bits, and refuses those of tiles wider than the picture.
            if picture is None or "tile" in path.name and path.name.endswith("-2.tif"):
                continue
            copy = folder / "copy.tif"
            done = subprocess.run(["tiffcp", "-c", "none", path, copy], capture_output=True)
            if done.returncode != 0:
                if kind != "odd directories":
                    violations.append(f"{path.name}: libtiff does not read it: {done.stderr.decode()}")
                continue
            read += 1
            if plain(copy)[0] != picture.rows:
                violations.append(f"{path.name}: libtiff finds other samples")
    for kind in sorted({kind for kind, _ in counts}):
        found = [f"{what} {counts[kind, what]}" for what in ("exact", "refused", "garbage") if counts[kind, what]]
        print(f"{kind:<40} {'  '.join(found)}")
    print(f"{len(files.files)} files, {read} of them read the same by libtiff, {len(violations)} violations")
    for violation in violations[:40]:
        print(violation)
    sys.exit(1 if violations else 0)


main()
