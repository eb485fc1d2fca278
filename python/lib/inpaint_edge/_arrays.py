"""Arrays and Pillow images, as the engine takes them."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from . import _native
from .errors import InputError, UsageError

# Modes of Pillow whose pixels are those of a NumPy array, one by one.
_FILLED_MODES = ("L", "LA", "RGB", "RGBA", "I;16")
_MASK_MODES = ("1", "L", "LA", "RGB", "RGBA")


def is_pillow(image: Any) -> bool:
    """Whether this is a Pillow image; Pillow need not be installed."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(image, pillow.Image)


def native(dtype: np.dtype) -> np.dtype:
    """The type in the byte order of this machine."""
    return dtype.newbyteorder("=")


def samples(image: Any) -> np.ndarray:
    """The samples of an array or a Pillow image: `[height, width]` or `[height, width, 1 … 4]`."""
    if is_pillow(image):
        if image.mode not in _FILLED_MODES:
            expected = ", ".join(_FILLED_MODES)
            raise InputError(
                f"image: expected a Pillow image of mode {expected}, found {image.mode}; image.convert('RGB') is one"
            )
        return np.asarray(image)
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image: expected a NumPy array or a Pillow image, found {type(image).__name__}")
    if native(image.dtype) not in (np.uint8, np.uint16, np.float32):
        raise InputError(f"image: expected uint8, uint16 or float32, found {image.dtype}")
    if image.ndim not in (2, 3):
        raise InputError(f"image: expected [height, width] or [height, width, channels], found {list(image.shape)}")
    return image


def with_channels(array: np.ndarray) -> np.ndarray:
    """A view `[height, width, channels]`."""
    return array if array.ndim == 3 else array[:, :, np.newaxis]


def result_for(array: np.ndarray, out: Any) -> np.ndarray:
    """`out`, or a new array, with the samples of `array`."""
    if out is None:
        return np.array(array, dtype=native(array.dtype), order="C")
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out: expected a NumPy array, found {type(out).__name__}")
    if (out.shape, out.dtype) != (array.shape, native(array.dtype)):
        expected, found = f"{native(array.dtype)} {list(array.shape)}", f"{out.dtype} {list(out.shape)}"
        raise UsageError(f"out: expected an array as the image, {expected}, found {found}")
    if not out.flags.behaved:
        raise UsageError("out: expected an array that is writable and aligned, found one that is not")
    if out is not array:
        np.copyto(out, array)
    return out


def hole(mask: Any, reading: _native.Reading) -> _native.Hole:
    """The hole that a mask shows: an array of `bool` or `uint8`, or a Pillow image."""
    if is_pillow(mask):
        if mask.mode == "P":
            mask = mask.convert("RGBA" if "transparency" in mask.info else "RGB")
        if mask.mode not in _MASK_MODES:
            raise InputError(f"mask: expected a Pillow image of mode {', '.join(_MASK_MODES)} or P, found {mask.mode}")
        mask = np.asarray(mask)
    if not isinstance(mask, np.ndarray):
        raise TypeError(f"mask: expected a NumPy array or a Pillow image, found {type(mask).__name__}")
    if mask.dtype == np.bool_:
        return _native.Hole(mask.view(np.uint8), reading.of_bool())
    if mask.dtype != np.uint8:
        raise InputError(f"mask: expected bool or uint8, found {mask.dtype}; mask > 0 is bool")
    found = _native.Hole(mask, reading)
    if found.count() == 0 and mask.any():
        warnings.warn(
            f"mask: no pixel is hole, and values reach {mask.max()}; mask > 0 makes a hole of all that is not 0",
            stacklevel=3,
        )
    return found
