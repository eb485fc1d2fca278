"""Files of several writers, filled by the program and read by others: what is outside the hole, and every tag, stays.

python tools/fidelity/run.py [PROGRAM], with Pillow and numpy, and from Debian:
apt-get install imagemagick libimage-exiftool-perl libtiff-tools webp
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ["compare", "convert", "cwebp", "exiftool", "identify", "tiffcp"]
# In pixels of the upright picture.
BOX = (40, 30, 32, 24)
# The worst of what is outside the hole where the way is lossy: JPEG twice, or decoders that round in other ways.
MIN_PSNR = 33.0

# Groups of tags that exiftool tells, by the format that carries them.
EVERYWHERE = ("IFD0", "ExifIFD", "GPS", "InteropIFD", "XMP-", "ICC")
SAME_FORMAT = {"jpg": ("IPTC", "Photoshop", "File"), "png": ("PNG", "PNG-pHYs", "PNG-cHRM"), "webp": (), "tif": ()}
# How pixels are stored, which README does not promise to keep: the time of the last change, thumbnails.
STORED = """BackgroundColor BitDepth BitsPerSample ColorMap ColorType Compression ExtraSamples FillOrder Filter ImageHeight
ImageLength ImageWidth Interlace JFIFVersion ModifyDate PageNumber Palette PhotometricInterpretation PhotoshopThumbnail
PlanarConfiguration Predictor ProfileName RowsPerStrip SampleFormat SamplesPerPixel SignificantBits StripByteCounts StripOffsets
ThumbnailImage ThumbnailLength ThumbnailOffset TileByteCounts TileLength TileOffsets TileWidth Transparency""".split()
# Compared as a number per inch.
RESOLUTION = ("XResolution", "YResolution", "ResolutionUnit", "PixelsPerUnitX", "PixelsPerUnitY", "PixelUnits")


def sh(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(c) for c in command)}: {done.stderr.strip()}")
    return done.stdout


def make(folder):
    """Writes the files, each by the program its name begins with."""
    photo = Image.open(ROOT / "tests/images/photo.png").convert("RGB").crop((300, 150, 480, 270))
    photo.save(folder / "photo.png")
    photo.resize((48, 32)).save(folder / "thumbnail.jpg")
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Pillow", 3
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "somebody")
    text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    common = dict(icc_profile=icc, exif=exif)
    photo.save(folder / "pillow.png", pnginfo=text, dpi=(240, 240), **common)
    photo.save(folder / "pillow.jpg", quality=92, dpi=(300, 300), comment=b"a comment", xmp=xmp, **common)
    photo.save(folder / "pillow.webp", lossless=True, xmp=xmp, **common)
    photo.save(folder / "pillow.tif", compression="tiff_lzw", dpi=(150, 150), icc_profile=icc, tiffinfo={700: xmp, 274: 3})
    photo.quantize(64).save(folder / "pillow-palette.png")
    photo.quantize(64).save(folder / "pillow-palette.tif", compression="packbits")
    source = folder / "photo.png"
    sh("convert", source, "-depth", 16, "-evaluate", "Multiply", "0.997", "-density", 96, folder / "imagemagick-16.png")
    sh("convert", source, "-colorspace", "Gray", "-alpha", "set", "-channel", "A", "-evaluate", "set", "60%", folder / "imagemagick-grey-alpha.png")
    sh("convert", source, "-interlace", "JPEG", "-quality", 90, "-units", "PixelsPerCentimeter", "-density", 118, folder / "imagemagick-progressive.jpg")
    sh("convert", source, "-colorspace", "Gray", "-quality", 90, folder / "imagemagick-grey.jpg")
    sh("convert", source, "-depth", 16, "-evaluate", "Multiply", "0.997", "-endian", "MSB", "-compress", "Zip", folder / "imagemagick-16.tif")
    sh("convert", source, "-alpha", "set", "-channel", "A", "-evaluate", "set", "60%", "-compress", "LZW", folder / "imagemagick-alpha.tif")
    sh("convert", folder / "pillow-palette.png", "-type", "Palette", folder / "imagemagick-palette.tif")
    sh("convert", source, "-define", "tiff:tile-geometry=64x48", folder / "imagemagick-tiles.tif")
    sh("tiffcp", "-B", "-c", "lzw:2", "-r", 7, folder / "pillow.tif", folder / "tiffcp-big-endian.tif")
    sh("cwebp", "-quiet", "-metadata", "all", "-q", 90, folder / "pillow.jpg", "-o", folder / "cwebp-lossy.webp")
    sh("cwebp", "-quiet", "-metadata", "all", "-lossless", folder / "pillow.png", "-o", folder / "cwebp-lossless.webp")
    tags = ["IFD0:Make=Camera", "IFD0:Model=Model", "IFD0:Orientation#=6", "IFD0:Copyright=somebody", "IFD0:Rating=3"]
    tags += ["ExifIFD:DateTimeOriginal=2026:11:25 12:00:00", "ExifIFD:FNumber=2.8", "ExifIFD:UserComment=a comment"]
    tags += ["ExifIFD:LensModel=Lens", "GPS:GPSLatitude=48.2", "GPS:GPSLatitudeRef=N", "InteropIFD:InteropIndex=R98"]
    tags += ["XMP-dc:Title=Title", "XMP-dc:Subject=one", "XMP-tiff:Orientation#=6", "IPTC:Keywords=keyword", "IPTC:City=City"]
    tags += [f"IFD1:ThumbnailImage<={folder}/thumbnail.jpg", f"Photoshop:PhotoshopThumbnail<={folder}/thumbnail.jpg"]
    for name, kept in (("jpg", tags), ("png", tags[:-4]), ("webp", tags[:-4]), ("tif", tags[:-4])):
        target = folder / f"exiftool.{name}"
        shutil.copy(folder / f"pillow.{name}", target)
        sh("exiftool", "-q", "-m", "-overwrite_original", *(f"-{tag}" for tag in kept), target)
    for name in ("photo.png", "thumbnail.jpg"):
        (folder / name).unlink()
    return sorted(folder.iterdir())


def ending(path):
    return path.suffix[1:]


def tags(path):
    """exiftool's group and name → value."""
    told = json.loads(sh("exiftool", "-a", "-G1", "-n", "-json", path))[0]
    return {tuple(key.split(":", 1)): value for key, value in told.items() if ":" in key}


def carried(told, groups):
    left_out = STORED + list(RESOLUTION)
    kept = {key: value for key, value in told.items() if key[0].startswith(groups) and key[1] not in left_out}
    return {key: value for key, value in kept.items() if key[0] != "File" or key[1] == "Comment"}


def density(path):
    """Pixels per inch across and down as the format itself tells them, in whole numbers; nothing where it does not."""
    told = tags(path)
    group = {"jpg": "JFIF", "png": "PNG-pHYs", "tif": "IFD0"}[ending(path)]
    names = [name for name in RESOLUTION if (group, name) in told]
    if len(names) != 3:
        return None
    x, y, unit = (told[group, name] for name in names)
    inches = {"jpg": {1: 1, 2: 2.54}, "png": {1: 0.0254}, "tif": {2: 1, 3: 2.54}}[ending(path)].get(unit)
    return inches and (round(x * inches), round(y * inches))


def stored_box(path):
    """Where the hole is among the pixels as they are stored."""
    told = tags(path)
    x, y, w, h = BOX
    width, height = map(int, sh("identify", "-format", "%w %h", path).split())
    match told.get(("IFD0", "Orientation"), 1):
        case 1:
            return x, y, w, h
        case 3:
            return width - x - w, height - y - h, w, h
        case 6:
            return y, height - x - w, h, w


def tag_problems(a, b):
    """What of the tags of `a` is not the same in `b`, and how many are."""
    groups = EVERYWHERE + (SAME_FORMAT[ending(a)] if ending(a) == ending(b) else ())
    expected, found = carried(tags(a), groups), carried(tags(b), groups)
    problems = [f"{':'.join(key)}: {expected.get(key)!r} became {found.get(key)!r}" for key in sorted(expected.keys() | found.keys())
                if expected.get(key) != found.get(key)]
    if "webp" not in (ending(a), ending(b)) and (dpi := density(a)) and density(b) != dpi:
        problems.append(f"{dpi} pixels an inch became {density(b)}")
    if any(key[1] in ("ThumbnailImage", "PhotoshopThumbnail") for key in tags(b)):
        problems.append("a thumbnail")
    return problems, len(expected)


def pixel_problems(a, b, is_lossy, folder):
    """Compares what is outside the hole, by each of the two readers that knows this kind of file."""
    problems = []
    # ImageMagick takes Pillow's palettes, multiples of 256, for multiples of 257.
    if a.name != "pillow-palette.tif":
        problems += imagemagick_problems(a, b, is_lossy, folder)
    # Pillow has no colours of 16 bits.
    if not is_lossy and "16" not in a.name:
        x, y, w, h = BOX
        upright = [np.array(ImageOps.exif_transpose(Image.open(path)).convert("RGBA")) for path in (a, b)]
        differs = (upright[0] != upright[1]).any(-1)
        differs[y : y + h, x : x + w] = False
        if differs.any():
            problems.append(f"{differs.sum()} pixels differ outside the hole for Pillow")
    return problems


def imagemagick_problems(a, b, is_lossy, folder):
    x, y, w, h = stored_box(a)
    flat = []
    for path in (a, b):
        flat.append(folder / f"{path.name}.{len(flat)}.miff")
        hole = f"rectangle {x},{y} {x + w - 1},{y + h - 1}"
        depth = [] if "16" in a.name else ["-type", "TrueColor", "-depth", 8]
        sh("convert", path, *depth, "-alpha", "off", "-fill", "black", "-draw", hole, "-set", "colorspace", "sRGB", flat[-1])
    metric = "PSNR" if is_lossy else "AE"
    done = subprocess.run(["compare", "-metric", metric, *map(str, flat), "null:"], capture_output=True, text=True)
    value = float(done.stderr.split()[0])
    if is_lossy:
        return [f"{value:.1f} dB outside the hole"] if value < MIN_PSNR else []
    return [f"{value:.0f} pixels differ outside the hole for ImageMagick"] if value else []


def main():
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        sys.exit(f"needed and not here: {', '.join(missing)}")
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/inpaint-edge"
    rows = failures = 0
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as results:
        results = pathlib.Path(results)
        files = make(pathlib.Path(made))
        # The program's own files are read by it again.
        for a in files + [results / f"pillow.png.{to}" for to in ("png", "webp", "tif")]:
            is_deep, has_alpha = "16" in a.name, "alpha" in a.name
            for to in ("png", "tif", "webp", "jpg"):
                b = results / f"{a.name}.{to}"
                if to == "webp" and is_deep or to == "jpg" and (is_deep or has_alpha):
                    continue
                sh(program, "--quiet", "--box", ",".join(map(str, BOX)), a, b)
                is_lossy = "jpg" in (ending(a), to) or "lossy" in a.name
                problems, same = tag_problems(a, b)
                problems += pixel_problems(a, b, is_lossy, results)
                rows, failures = rows + 1, failures + bool(problems)
                print(f"{a.name} → {to}: " + ("; ".join(problems) or f"the same pixels outside the hole, the same {same} tags"))
    print(f"{rows} ways, {failures} with differences")
    sys.exit(failures > 0)


main()
