"""Arrays and Pillow images of every kind that is taken, and those that are refused."""

import warnings

import inpaint_edge
import numpy as np
import pytest
from inpaint_edge import InputError, UsageError, selection
from PIL import Image


@pytest.fixture(scope="module")
def filled(inpainter, photo, mask):
    return inpainter.inpaint(photo, mask)


def test_the_hole_alone_changes(filled, photo, mask):
    assert (filled[~mask] == photo[~mask]).all()
    assert (filled[mask] != photo[mask]).any()


@pytest.mark.parametrize("dtype, unit", [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_every_type_and_number_of_channels(inpainter, photo, mask, dtype, unit, channels):
    scaled = (photo.astype(np.float64) / 255 * unit).astype(dtype)
    alpha = np.full(mask.shape, unit, dtype)
    grey = scaled[:, :, 1]
    image = {None: grey, 1: grey[:, :, None], 2: np.dstack([grey, alpha]), 3: scaled, 4: np.dstack([scaled, alpha])}[channels]
    facts = {}
    filled = inpainter.inpaint(image, mask, report=facts)
    assert (filled.shape, filled.dtype) == (image.shape, image.dtype)
    assert (filled[~mask] == image[~mask]).all()
    assert (filled[mask] != image[mask]).any()
    assert facts["hole_pixels"] == mask.sum() == 26 * 14
    assert facts["macs"] > 0


def test_strides_do_not_matter(inpainter, filled, photo, mask):
    height, width = mask.shape
    padded = np.zeros((2 * height, width + 7, 5), np.uint8)
    padded[::2, 7:, 1:4] = photo
    wide = np.zeros((height, 3 * width), bool)
    wide[:, ::3] = mask
    views = [
        np.asfortranarray(photo),
        np.ascontiguousarray(photo[::-1, ::-1])[::-1, ::-1],
        padded[::2, 7:, 1:4],
        np.ascontiguousarray(photo.transpose(2, 0, 1)).transpose(1, 2, 0),
    ]
    for view in views:
        assert not view.flags.c_contiguous
        view.flags.writeable = False
        assert (inpainter.inpaint(view, wide[:, ::3]) == filled).all()
    deep = photo.astype(np.uint16) * 257
    swapped = inpainter.inpaint(deep.astype(deep.dtype.newbyteorder()), mask)
    assert (swapped == inpainter.inpaint(deep, mask)).all()
    raw = np.frombuffer(b"." + (photo / np.float32(255)).tobytes(), np.uint8)[1:].view(np.float32).reshape(photo.shape)
    assert not raw.flags.aligned
    assert np.isfinite(inpainter.inpaint(raw, mask)).all()


def test_the_result_is_written_into_out(inpainter, filled, photo, mask):
    out = np.zeros_like(photo)
    assert inpainter.inpaint(photo, mask, out=out) is out
    assert (out == filled).all()
    image = np.zeros((200, 400, 3), np.uint8)[10:130, 20:340:2]
    image[:] = photo
    assert inpainter.inpaint(image, mask, out=image) is image
    assert (image == filled).all()
    fixed = photo.copy()
    fixed.flags.writeable = False
    for out in (fixed, np.zeros((120, 160), np.uint8), np.zeros(photo.shape, np.uint16)):
        with pytest.raises(UsageError, match="^out: expected"):
            inpainter.inpaint(photo, mask, out=out)


def test_bgr_is_rgb_with_its_channels_turned(inpainter, filled, photo, mask):
    bgr = np.ascontiguousarray(photo[:, :, ::-1])
    assert (inpainter.inpaint(bgr, mask, order="bgr")[:, :, ::-1] == filled).all()
    alpha = np.full(mask.shape, 255, np.uint8)
    alpha[:60] = 9
    turned = inpainter.inpaint(np.dstack([bgr, alpha]), mask, order="bgr")[:, :, [2, 1, 0, 3]]
    assert (turned == inpainter.inpaint(np.dstack([photo, alpha]), mask)).all()


def test_cv2_fills_what_is_not_zero(photo, mask, inpainter):
    from inpaint_edge import cv2

    bgr = np.ascontiguousarray(photo[:, :, ::-1])
    expected = inpainter.inpaint(photo, mask)[:, :, ::-1]
    for marks in (mask.astype(np.uint8), mask.astype(np.uint8)[:, :, None] * 255):
        assert (cv2.inpaint(bgr, marks, 3, cv2.INPAINT_TELEA) == expected).all()
    dst = np.zeros_like(bgr)
    assert cv2.inpaint(src=bgr, inpaintMask=marks, inpaintRadius=3, flags=cv2.INPAINT_NS, dst=dst) is dst
    assert (dst == expected).all()
    # Whether OpenCV is installed or not.
    assert not hasattr(cv2, "no_such_name")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_a_pillow_image_keeps_mode_and_info(inpainter, photo, mask, mode):
    image = Image.fromarray(photo[:, :, 0].astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(photo).convert(mode)
    assert image.mode == mode
    image.info = {"dpi": (72, 72), "icc_profile": b"profile"}
    marks = Image.fromarray(mask.astype(np.uint8) * 255)
    filled = inpainter.inpaint(image, marks)
    assert (type(filled), filled.mode, filled.size, filled.info) == (Image.Image, mode, image.size, image.info)
    assert (np.asarray(filled) == inpainter.inpaint(np.asarray(image), mask)).all()


def test_masks_of_every_kind_are_read(inpainter, filled, photo, mask):
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    strokes = Image.new("RGBA", grey.size, (255, 0, 0, 0))
    strokes.putalpha(grey)
    palette = grey.convert("P")
    for kind in (grey, grey.convert("1"), grey.convert("RGB"), strokes, palette, mask, mask[:, :, None], np.asarray(strokes)):
        assert (inpainter.inpaint(photo, kind) == filled).all()
    assert (inpainter.inpaint(photo, ~mask, mask_white="keep") == filled).all()
    assert (inpainter.inpaint(photo, mask.astype(np.uint8), mask_threshold=1) == filled).all()
    red = np.dstack([mask * 255, ~mask * 255, ~mask * 255]).astype(np.uint8)
    assert (inpainter.inpaint(photo, red, mask_channel="red") == filled).all()
    small = mask.copy()
    small[40], small[53], small[:, 60], small[:, 85] = False, False, False, False
    facts = {}
    inpainter.inpaint(photo, mask, grow=-1, report=facts)
    assert facts["hole_pixels"] == small.sum()


def test_a_mask_of_zeros_and_ones_is_warned_of(inpainter, photo, mask):
    with pytest.warns(UserWarning, match="values reach 1") as caught:
        assert (inpainter.inpaint(photo, mask.astype(np.uint8)) == photo).all()
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (inpainter.inpaint(photo, np.zeros_like(mask)) == photo).all()


def test_what_cannot_be_filled_is_refused(inpainter, photo, mask):
    for image, text in [
        (photo.astype(np.float64), "expected uint8, uint16 or float32, found float64"),
        (photo[0, 0], r"found \[3\]"),
        (np.dstack([photo, photo]), "1 to 4 channels, found 160×120×6"),
        (photo[:0], "found 160×0×3"),
        (photo[:, 1:], "expected a mask of 159×120, found 160×120"),
        (Image.fromarray(photo).convert("P"), r"found P; image.convert\('RGB'\) is one"),
    ]:
        with pytest.raises(InputError, match=text) as raised:
            inpainter.inpaint(image, mask)
        assert (raised.value.kind, raised.value.exit_code) == ("input", 3)
        assert isinstance(raised.value, ValueError)
    for wrong, text in [
        (mask.astype(int), "expected bool or uint8, found int64; mask > 0 is bool"),
        (mask[0], "found .160."),
        (np.ones_like(mask), "known"),
    ]:
        with pytest.raises(InputError, match=text):
            inpainter.inpaint(photo, wrong)
    for image, marks in [([[0]], mask), (photo, [[0]]), (None, mask)]:
        with pytest.raises(TypeError, match="expected a NumPy array or a Pillow image"):
            inpainter.inpaint(image, marks)
    for how in ({"order": "gbr"}, {"mask_white": "yes"}, {"mask_channel": "x"}):
        with pytest.raises(UsageError, match="expected"):
            inpainter.inpaint(photo, mask, **how)
    with pytest.raises(TypeError, match="mask_whiter"):
        inpainter.inpaint(photo, mask, mask_whiter="hole")


def test_selections_find_the_hole(photo, mask):
    painted = photo.copy()
    painted[mask] = 255, 0, 255
    assert (selection.painted(painted, (255, 0, 255)) == mask).all()
    deep = np.asfortranarray(painted.astype(np.uint16) * 257)
    assert (selection.painted(deep, (255, 0, 255), tolerance=0) == mask).all()
    clear = np.dstack([photo, np.where(mask, 100, 255).astype(np.uint8)])
    assert (selection.transparent(clear) == mask).all()
    assert not selection.transparent(clear, opaque_from=100).any()
    assert (selection.boxes(photo, (60, 40, 26, 14)) == mask).all()
    with pytest.raises(InputError, match="expected an alpha channel, found none"):
        selection.transparent(photo)
    with pytest.raises(InputError, match="expected a box inside 160×120, found 160,0,1,1"):
        selection.boxes(photo, (160, 0, 1, 1))


def test_functions_do_what_the_inpainter_does(filled, photo, mask):
    assert (inpaint_edge.inpaint(photo, mask) == filled).all()
    assert (inpaint_edge.inpaint(photo, mask, threads=2) == filled).all()
