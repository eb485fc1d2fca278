"""Files have the bytes that the program writes, and what goes wrong has its exit code."""

import errno
import io
import pickle
import subprocess

import inpaint_edge
import pytest
from PIL import Image, ImageOps
from inpaint_edge import InputError, OutputError, UnreadableError, UnreadableWeightsError, UsageError, batch


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("name", ["photo.png", "kinds/tagged.jpg", "kinds/tagged.tif", "kinds/grey-alpha.png", "kinds/deep.tif"])
def test_a_file_is_the_programs(name, images, program, inpainter, tmp_path):
    image = images / name
    with Image.open(image) as opened:
        size = ImageOps.exif_transpose(opened).size
    marks = Image.new("L", size)
    marks.paste(255, (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2))
    mask = tmp_path / "mask.png"
    marks.save(mask)
    expected, out = tmp_path / f"expected{image.suffix}", tmp_path / f"out{image.suffix}"
    done = run(program, image, mask, expected, "--mask-grow", 1)
    assert done.returncode == 0, done.stderr
    told = []
    report = inpainter.inpaint_file(image, mask, out, grow=1, progress=lambda *step: told.append(step))
    assert out.read_bytes() == expected.read_bytes()
    assert told and all(0 < done <= total for done, total in told)
    assert report["hole_pixels"] > 0
    made, again = inpainter.inpaint_bytes(image.read_bytes(), mask.read_bytes(), image.suffix[1:], grow=1)
    assert made == expected.read_bytes()
    assert again["hole_pixels"] == report["hole_pixels"]


def test_a_jpeg_filled_again_is_the_same_unless_seals_are_overlooked(images, inpainter):
    image = (images / "kinds/tagged.jpg").read_bytes()
    with Image.open(images / "kinds/tagged.jpg") as opened:
        size = ImageOps.exif_transpose(opened).size
    mask = io.BytesIO()
    marks = Image.new("L", size)
    marks.paste(255, (5, 6, 20, 17))
    marks.save(mask, "PNG")
    once, report = inpainter.inpaint_bytes(image, mask.getvalue(), "jpg")
    twice, again = inpainter.inpaint_bytes(once, mask.getvalue(), "jpg")
    assert twice == once
    assert (report["regions"] > 0, again["regions"]) == (True, 0)
    unsealed, anew = inpainter.inpaint_bytes(once, mask.getvalue(), "jpg", seal=False)
    seal = b"\xff\xef\x00\x1finpaint-edge\x00"
    assert seal in once and seal not in unsealed
    assert anew["regions"] > 0


def test_errors_have_the_programs_exit_code_and_words(images, program, inpainter, tmp_path):
    photo, mask, kinds = images / "photo.png", images / "mask.png", images / "kinds"
    for files, kind, number in [
        ((tmp_path / "none.png", mask, tmp_path / "a.png"), UnreadableError, errno.ENOENT),
        ((photo, kinds / "cmyk.jpg", tmp_path / "a.png"), InputError, None),
        ((photo, mask, tmp_path / "a.gif"), UsageError, None),
        ((photo, mask, tmp_path / "none" / "a.png"), OutputError, None),
    ]:
        with pytest.raises(kind) as raised:
            inpainter.inpaint_file(*files)
        done = run(program, *files)
        assert raised.value.exit_code == done.returncode
        if number is None:
            assert str(raised.value) in done.stderr
        else:
            assert isinstance(raised.value, OSError) and raised.value.errno == number
        copy = pickle.loads(pickle.dumps(raised.value))
        assert (type(copy), str(copy), copy.exit_code) == (kind, str(raised.value), raised.value.exit_code)
    with pytest.raises(InputError, match="grey.jpg: expected a mask of 768×512, found"):
        inpainter.inpaint_file(photo, kinds / "grey.jpg", tmp_path / "a.png")
    with pytest.raises(UnreadableWeightsError) as raised:
        inpaint_edge.Inpainter(tmp_path / "none.safetensors")
    done = run(program, photo, mask, tmp_path / "a.png", "--weights", tmp_path / "none.safetensors")
    assert (raised.value.kind, raised.value.exit_code) == ("weights", done.returncode)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_goes_on_after_a_bad_record(images, inpainter, tmp_path):
    photo, mask = (images / name for name in ("photo.png", "mask.png"))
    records = [
        {"key": "a/1", "image": str(photo), "mask": str(mask)},
        {"key": "2", "image": b"no picture", "mask": mask.read_bytes()},
        {"key": "../3", "image": str(photo), "mask": str(mask)},
        {"key": "4", "image": photo.read_bytes(), "mask": mask.read_bytes()},
        {"key": "5", "image": None, "mask": mask.read_bytes()},
    ]
    rows = list(batch.fill(records, inpainter, folder=str(tmp_path)))
    assert [row["exit_code"] for row in rows] == [0, 3, 2, 0, 3]
    assert rows[1]["error"].startswith("image: ") and rows[2]["error"].startswith("key: ")
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png")) == ["4.png", "a/1.png"]
    assert (tmp_path / "4.png").read_bytes() == (tmp_path / "a/1.png").read_bytes()
    rows = list(batch.fill(records, inpainter))
    assert rows[0]["result"] == rows[3]["result"] == (tmp_path / "4.png").read_bytes()


def test_records_are_files_of_folders_or_uris(images, inpainter, tmp_path):
    for folder, name in [("images", "a.png"), ("images", "b.jpg"), ("masks", "a.png")]:
        (tmp_path / folder).mkdir(exist_ok=True)
        source = images / ("mask.png" if folder == "masks" else "photo.png")
        (tmp_path / folder / name).write_bytes(source.read_bytes())
    for root in (str(tmp_path), tmp_path.as_uri()):
        records = batch.pairs(f"{root}/images", f"{root}/masks")
        assert records == [
            {"key": "a", "image": f"{root}/images/a.png", "mask": f"{root}/masks/a.png"},
            {"key": "b", "image": f"{root}/images/b.jpg", "mask": f"{root}/masks/b.png"},
        ]
        filled, without = batch.fill(records, inpainter)
        assert filled["exit_code"] == 0 and filled["result"] == inpainter.inpaint_bytes(images / "photo.png", images / "mask.png")[0]
        assert without["exit_code"] == 3 and "masks/b.png: cannot be read" in without["error"]
