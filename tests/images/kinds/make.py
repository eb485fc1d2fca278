"""Small pictures of kinds that the `image` crate cannot write: python make.py, with Pillow."""

import os
import struct
import zlib

import numpy as np
from PIL import Image

out = os.path.dirname(os.path.abspath(__file__))
y, x = np.mgrid[0:56, 0:72]
rgb = np.stack([x * 3, y * 4, (x * y) // 20 + ((x // 6 + y // 6) % 2) * 60], -1).clip(0, 255).astype(np.uint8)
im = Image.fromarray(rgb)
for kind in ("baseline", "progressive"):
    for subsampling, name in ((0, "444"), (2, "420")):
        options = dict(quality=85, subsampling=subsampling, progressive=kind == "progressive")
        im.save(f"{out}/{kind}-{name}.jpg", **options)
        im.save(f"{out}/{kind}-{name}-restart.jpg", restart_marker_blocks=3, **options)
im.convert("L").save(f"{out}/grey.jpg", quality=85)
im.convert("CMYK").save(f"{out}/cmyk.jpg", quality=60)
im.save(f"{out}/lossy.webp", quality=70)
clear = im.convert("RGBA")
clear.putalpha(im.convert("L"))
clear.save(f"{out}/lossy-alpha.webp", quality=70)
small = im.resize((16, 16))
for name in ("animated.webp", "animated.png"):
    small.save(f"{out}/{name}", save_all=True, append_images=[small.transpose(0)], duration=100)


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


# Adam7: seven smaller pictures, one after another, each row with filter 0.
passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
rows = b"".join(b"\0" + row.tobytes() for x0, y0, dx, dy in passes for row in rgb[y0::dy, x0::dx])
header = struct.pack(">IIBBBBB", 72, 56, 8, 2, 0, 0, 1)
with open(f"{out}/interlaced.png", "wb") as f:
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))
im.save(f"{out}/plain.png", optimize=True)
