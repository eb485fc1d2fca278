"""Small pictures of kinds that the `image` crate cannot write: python make.py, with Pillow, ImageMagick and exiftool."""

import os
import struct
import subprocess
import zlib

import numpy as np
from PIL import Image, ImageDraw

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

# A photograph as an editor leaves it: 300 dpi, EXIF of a turned picture with its thumbnail, XMP, IPTC, Photoshop's thumbnail.
im.resize((24, 18)).save(f"{out}/thumbnail.jpg", quality=40)
im.save(f"{out}/tagged.jpg", quality=85, dpi=(300, 300), comment=b"drawn by make.py")
tags = ["IFD0:Orientation#=6", "IFD0:Make=inpaint-edge", "ExifIFD:DateTimeOriginal=2026:11:25 12:00:00"]
tags += ["ExifIFD:ExposureTime=1/125", "GPS:GPSLatitude=48.2", "GPS:GPSLatitudeRef=N", "XMP-dc:Title=Title"]
tags += ["XMP-tiff:Orientation#=6", "IPTC:Keywords=keyword", "IPTC:City=City"]
tags += [f"IFD1:ThumbnailImage<={out}/thumbnail.jpg", f"Photoshop:PhotoshopThumbnail<={out}/thumbnail.jpg"]
command = ["exiftool", "-q", "-overwrite_original", *(f"-{tag}" for tag in tags), f"{out}/tagged.jpg"]
subprocess.run(command, check=True)

# TIFF by libtiff and by ImageMagick.
im.convert("L").save(f"{out}/packbits.tif", compression="packbits")
small.save(f"{out}/multi.tif", compression="tiff_adobe_deflate", save_all=True, append_images=[small])
small.convert("CMYK").save(f"{out}/cmyk.tif", compression="tiff_adobe_deflate")
im.convert("L").save(f"{out}/grey.tif", compression="tiff_lzw")
im.convert("L").save(f"{out}/white-is-zero.tif", compression="tiff_lzw", tiffinfo={262: 0})
im.convert("1").save(f"{out}/bilevel.tif", compression="group4")
im.convert("LA").save(f"{out}/grey-alpha.png")
im.convert("LA").save(f"{out}/grey-alpha.tif", compression="tiff_adobe_deflate")
im.quantize(200).save(f"{out}/palette.png")
im.quantize(200).save(f"{out}/palette.tif", compression="tiff_lzw")
for name, options in (
    ("lzw-predictor.tif", "-compress LZW -define tiff:predictor=2"),
    ("deflate-tiles.tif", "-compress Zip -define tiff:tile-geometry=32x16"),
    ("deep.tif", "-depth 16 -endian MSB -compress Zip"),
    ("planes.tif", "-resize 16x16! -compress Zip -interlace plane"),
    ("float.tif", "-resize 16x16! -depth 32 -define quantum:format=floating-point -compress Zip"),
    ("tagged.tif", "-compress Zip -units PixelsPerInch -density 300"),
):
    subprocess.run(["convert", f"{out}/plain.png", *options.split(), f"{out}/{name}"], check=True)
subprocess.run(["convert", f"{out}/planes.tif", "-define", "png:exclude-chunks=all", f"{out}/planes.png"], check=True)
tags = [tag for tag in tags if "Thumbnail" not in tag]
command = ["exiftool", "-q", "-overwrite_original", *(f"-{tag}" for tag in tags), f"{out}/tagged.tif"]
subprocess.run(command, check=True)
# Padding that no reader misses.
os.truncate(f"{out}/tagged.tif", os.path.getsize(f"{out}/tagged.tif") - 1)

# Lines of pure magenta, 5 and 3 pixels wide, as JPEG leaves them.
photo = Image.open(f"{out}/../photo.png").convert("RGB").crop((300, 150, 460, 270))
pen = ImageDraw.Draw(photo)
pen.rectangle((30, 50, 129, 54), fill=(255, 0, 255))
pen.rectangle((70, 10, 72, 109), fill=(255, 0, 255))
photo.save(f"{out}/painted-420.jpg", quality=80, subsampling=2)
