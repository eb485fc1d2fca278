#!/usr/bin/env python3
"""Make the pictures of README, docs and model card by running the program (Pillow needed).

docs/make.py target/release/inpaint-edge [PHOTOS [SHEETS]]

PHOTOS is a folder with the photographs of weights/results/TEST_PHOTOS.tsv; without it only the pictures made from
tests/images are made. SHEETS is a folder that gets all 30 cases of tools/eval/wide, large enough to judge them.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

ROOT = Path(__file__).resolve().parent.parent
PHOTO = Image.open(ROOT / "tests/images/photo.png").convert("RGB")
MASK = Image.open(ROOT / "tests/images/mask.png").convert("L")
MAGENTA = "#ff00ff"
GAP = 8

BOAT = [(322, 54), (334, 50), (344, 62), (400, 130), (450, 195), (500, 265), (528, 300), (562, 334), (562, 348),
        (520, 364), (470, 400), (446, 430), (380, 440), (320, 442), (250, 440), (200, 428), (170, 405), (150, 380),
        (128, 358), (118, 302), (130, 296), (156, 274), (200, 274), (250, 282), (272, 262), (296, 200), (308, 130)]
COUPLE = [(318, 66), (326, 60), (346, 59), (354, 68), (359, 90), (357, 106), (367, 118), (371, 150), (380, 190),
          (386, 212), (397, 217), (407, 216), (408, 226), (397, 240), (395, 252), (386, 272), (384, 304), (378, 318),
          (356, 319), (355, 300), (344, 326), (350, 344), (372, 352), (384, 366), (378, 384), (350, 392), (322, 398),
          (308, 414), (270, 420), (210, 414), (178, 402), (160, 386), (166, 366), (184, 366), (204, 358), (232, 354),
          (230, 338), (214, 330), (214, 318), (224, 308), (200, 290), (202, 279), (214, 280), (232, 294), (232, 284),
          (226, 270), (220, 244), (216, 215), (216, 178), (224, 156), (240, 148), (246, 126), (252, 108), (262, 99),
          (282, 97), (298, 108), (316, 113), (319, 106), (314, 92)]
AT_RAILING = [(121, 382), (132, 382), (136, 388), (142, 398), (147, 401), (150, 407), (150, 418), (149, 441),
              (147, 446), (116, 446), (115, 422), (114, 408), (114, 398), (119, 391)]
LAMP = [(128, 242), (132, 230), (142, 222), (156, 220), (170, 226), (186, 227), (188, 260), (187, 400), (187, 511),
        (163, 511), (166, 380), (168, 255), (150, 254), (130, 250)]
GRASSES = [[(32, 382), (44, 352), (60, 336), (88, 326), (112, 310), (126, 312), (130, 322), (104, 342), (84, 362),
            (64, 368), (48, 388)],
           [(200, 440), (210, 412), (228, 386), (240, 366), (258, 366), (258, 384), (242, 404), (230, 436), (216, 448)],
           [(316, 358), (320, 340), (340, 312), (360, 288), (384, 288), (388, 302), (372, 326), (356, 356), (336, 366)],
           [(380, 356), (384, 346), (408, 332), (428, 324), (434, 334), (410, 348), (388, 360)],
           [(316, 476), (318, 464), (346, 452), (354, 460), (336, 472)],
           [(470, 360), (476, 344), (496, 330), (511, 322), (511, 350), (490, 356)],
           [(360, 452), (366, 424), (384, 404), (412, 398), (440, 404), (462, 418), (470, 442), (458, 466), (436, 480),
            (404, 482), (376, 474)]]
DATE = (600, 448, 738, 490)

# Photograph, hole, what the picture shows of it.
REMOVALS = [
    ("kodak/kodim12.png", [COUPLE], (120, 40, 520, 440)),
    ("clic2025/aed95e005df2.png", [AT_RAILING], (64, 352, 204, 464)),
    ("cid22_val/2389166.png", [LAMP], (56, 192, 306, 512)),
    ("cid22_val/2936831.png", GRASSES, (150, 280, 490, 500)),
    ("kodak/kodim13.png", None, (520, 384, 760, 504)),
]
# Of the cases of tools/eval/wide: those that fail.
FAILURES = ["1624487-box", "2736139-sil", "297394-box", "5458393-box", "afe3676bbfcf-box", "kodim04-box", "kodim06-sil",
            "kodim10-box", "kodim16-box", "kodim22-box"]


def run(folder, *arguments):
    subprocess.run([Path(sys.argv[1]).resolve(), "--quiet", *arguments], cwd=folder, check=True)


def fill(folder, photo, hole, texture="auto"):
    photo.save(folder / "photo.png")
    hole.save(folder / "mask.png")
    run(folder, "--texture", texture, "photo.png", "mask.png", "out.png")
    return Image.open(folder / "out.png").convert("RGB")


def tinted(photo, hole):
    """The photograph with the hole tinted and outlined."""
    shown = Image.blend(photo, Image.new("RGB", photo.size, MAGENTA), 0.25)
    line = ImageChops.subtract(hole.filter(ImageFilter.MaxFilter(3)), hole)
    shown = Image.composite(shown, photo, hole)
    shown.paste(MAGENTA, mask=line)
    return shown


def polygons(size, *shapes):
    hole = Image.new("L", size)
    for shape in shapes:
        ImageDraw.Draw(hole).polygon(shape, fill=255)
    return hole


def sheet(rows, width, box_of):
    """Pictures in rows, each row cut to its box and scaled to cells of this width."""
    rows = [[picture.crop(box_of(at)) for picture in row] for at, row in enumerate(rows)]
    rows = [[cut.resize((width, cut.height * width // cut.width), Image.Resampling.BICUBIC) for cut in row] for row in rows]
    page = Image.new("RGB", (max(map(len, rows)) * (width + GAP) - GAP, sum(row[0].height + GAP for row in rows) - GAP), "white")
    y = 0
    for row in rows:
        for i, cut in enumerate(row):
            page.paste(cut, (i * (width + GAP), y))
        y += row[0].height + GAP
    return page


def around(hole, ratio, margin=32):
    """A box of this ratio of width to height around a hole, inside the picture if it fits there."""
    left, top, right, bottom = hole.getbbox()
    width = max(right - left + 2 * margin, round((bottom - top + 2 * margin) * ratio))
    width = min(width, hole.width, round(hole.height * ratio))
    height = round(width / ratio)
    x = min(max((left + right - width) // 2, 0), hole.width - width)
    y = min(max((top + bottom - height) // 2, 0), hole.height - height)
    return x, y, x + width, y + height


def beside(name, box, pictures):
    """Writes the same box of all pictures side by side."""
    sheet([pictures], box[2] - box[0], lambda _: box).save(ROOT / "docs" / name, quality=90)


def before_after(folder):
    run(folder, ROOT / "tests/images/photo.png", ROOT / "tests/images/mask.png", "out.png")
    holed = PHOTO.copy()
    holed.paste("white", mask=MASK.point(lambda v: 255 * (v >= 128)))
    beside("before-after.jpg", (140, 120, 524, 440), [holed, Image.open(folder / "out.png").convert("RGB")])


def holes(folder):
    """A dry stalk painted over, and a box."""
    painted = PHOTO.copy()
    draw = ImageDraw.Draw(painted)
    draw.line([(640, 188), (666, 262)], fill=MAGENTA, width=22)
    painted.save(folder / "painted.png")
    hole = ["--mask-color", "ff00ff", "--box", "528,468,36,40"]
    run(folder, *hole, "--preview", "look.png", "painted.png")
    run(folder, *hole, "painted.png", "out.png")
    pictures = [painted, *(Image.open(folder / name).convert("RGB") for name in ("look.png", "out.png"))]
    beside("holes.jpg", (490, 90, 750, 510), pictures)


def test_photo(name):
    return Image.open(Path(sys.argv[2]) / name).convert("RGB")


def removal(folder):
    """A boat with its rigging and its shadow."""
    photo = test_photo("kodak/kodim06.png")
    hole = polygons(photo.size, BOAT)
    box = (8, 8, 760, 504)
    page = sheet([[tinted(photo, hole), fill(folder, photo, hole)]], 500, lambda _: box)
    page.save(ROOT / "docs/removal.jpg", quality=82, optimize=True)


def stamped(photo):
    """The photograph with a date in the seven segments of a camera's stamp, and the box around it."""
    size = 4
    left, top = DATE[0] + 9, DATE[1] + 9
    width, height = 12, 24
    ends = {"a": (0, 0, 1, 0), "b": (1, 0, 1, 0.5), "c": (1, 0.5, 1, 1), "d": (0, 1, 1, 1), "e": (0, 0.5, 0, 1),
            "f": (0, 0, 0, 0.5), "g": (0, 0.5, 1, 0.5)}
    digits = {"0": "abcdef", "1": "bc", "2": "abged", "4": "fgbc", "7": "abc", "9": "abcdfg"}
    light = Image.new("L", (photo.width * size, photo.height * size))
    draw = ImageDraw.Draw(light)
    for letter in "'97 12 4":
        if letter == "'":
            draw.line([(left + 6) * size, top * size, (left + 3) * size, (top + 8) * size], fill=255, width=3 * size)
        for segment in digits.get(letter, ""):
            x0, y0, x1, y1 = ends[segment]
            line = [left + x0 * width, top + y0 * height, left + x1 * width, top + y1 * height]
            draw.line([v * size for v in line], fill=255, width=3 * size)
        left += 18 if letter in digits else 10
    light = light.resize(photo.size, Image.Resampling.BOX)
    light = ImageChops.lighter(light, light.filter(ImageFilter.GaussianBlur(2)))
    return Image.composite(Image.new("RGB", photo.size, "#ff8020"), photo, light)


def removals(folder):
    """A row each: hole, network alone, with texture where holes are wide, with texture everywhere."""
    rows = []
    for name, shapes, _ in REMOVALS:
        photo = test_photo(name)
        if shapes is None:
            photo = stamped(photo)
            hole = Image.new("L", photo.size)
            hole.paste(255, DATE)
        else:
            hole = polygons(photo.size, *shapes)
        rows.append([tinted(photo, hole), *(fill(folder, photo, hole, texture) for texture in ("off", "auto", "on"))])
    page = sheet(rows, 250, lambda at: REMOVALS[at][2])
    page.save(ROOT / "docs/removals.jpg", quality=82, optimize=True)


def cases():
    """The cases of tools/eval/wide, in the order of the model card: name, photograph, hole."""
    for path in sorted((ROOT / "tools/eval/wide").glob("*.png")):
        photo = next(Path(sys.argv[2]).glob(f"*/{path.stem.split('-')[0]}.png"))
        yield path.stem, Image.open(photo).convert("RGB"), Image.open(path).convert("L")


def wide(folder):
    """A row each of the last ten cases: hole, network alone, with texture, truth."""
    rows, boxes = [], []
    for _, photo, hole in list(cases())[-10:]:
        holed = photo.copy()
        holed.paste(MAGENTA, mask=hole)
        rows.append([holed, fill(folder, photo, hole, "off"), fill(folder, photo, hole), photo])
        boxes.append(around(hole, 4 / 3))
    sheet(rows, 200, lambda at: boxes[at]).save(ROOT / "docs/wide.jpg", quality=80, optimize=True)


def failures(folder):
    """Pairs of photograph and result, two in a row."""
    pairs = []
    for name, photo, hole in cases():
        if name in FAILURES:
            pairs.append((tinted(photo, hole), fill(folder, photo, hole), around(hole, 4 / 3)))
    for name, shapes, _ in REMOVALS[1:3]:
        photo = test_photo(name)
        hole = polygons(photo.size, *shapes)
        pairs.append((tinted(photo, hole), fill(folder, photo, hole), around(hole, 4 / 3)))
    rows = []
    for i in range(0, len(pairs), 2):
        row = [picture.crop(box).resize((240, 180), Image.Resampling.BICUBIC) for *two, box in pairs[i:i + 2] for picture in two]
        rows.append(row)
    sheet(rows, 240, lambda _: (0, 0, 240, 180)).save(ROOT / "docs/failures.jpg", quality=80, optimize=True)


def sheets(folder):
    """All cases, three on a page: hole, network alone, with texture, truth."""
    target = Path(sys.argv[3])
    target.mkdir(parents=True, exist_ok=True)
    everything = list(cases())
    for at in range(0, len(everything), 3):
        rows, boxes = [], []
        for _, photo, hole in everything[at:at + 3]:
            holed = photo.copy()
            holed.paste(MAGENTA, mask=hole)
            rows.append([holed, fill(folder, photo, hole, "off"), fill(folder, photo, hole), photo])
            boxes.append(around(hole, 1))
        sheet(rows, 400, lambda i: boxes[i]).save(target / f"{at + 1:02}-{at + len(rows):02}.png")


with tempfile.TemporaryDirectory() as folder:
    made = [before_after, holes]
    made += [removal, removals, wide, failures] if len(sys.argv) > 2 else []
    made += [sheets] if len(sys.argv) > 3 else []
    for make in made:
        make(Path(folder))
