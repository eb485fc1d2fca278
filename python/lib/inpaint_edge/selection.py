"""Finds the hole. Each function returns a mask, `bool` `[height, width]`; masks are joined by `|`."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import numpy as np

from . import _native
from ._arrays import native, samples, with_channels
from .errors import InputError


def _aligned(image: Any) -> np.ndarray:
    array = samples(image)
    return with_channels(np.require(array, native(array.dtype), "A"))


def transparent(image: Any, opaque_from: Optional[int] = None) -> np.ndarray:
    """What is transparent in a grey + alpha or RGBA image.

    opaque_from:  the lowest alpha that counts as opaque, 0 … 255 whatever the type; None: full alpha

    >>> import numpy as np
    >>> from inpaint_edge import selection
    >>> image = np.full((8, 8, 4), 255, np.uint8)
    >>> image[2:4, 2:5, 3] = 0
    >>> int(selection.transparent(image).sum())
    6
    """
    return _native.transparent(_aligned(image), opaque_from)


def painted(image: Any, rgb: Tuple[int, int, int], tolerance: Optional[int] = None) -> np.ndarray:
    """What is painted in a colour that the photograph does not have, such as magenta, (255, 0, 255).

    rgb:        0 … 255 each, in the order of the image's channels
    tolerance:  the largest difference in a channel, 0 … 255; None: what is surely painted, and what is likely to be near it

    Give `grow=2` where the mask is used, and `grow=4` where the painted image was saved as JPEG.

    >>> import numpy as np
    >>> from inpaint_edge import selection
    >>> image = np.full((8, 8, 3), 100, np.uint8)
    >>> image[2:4, 2:5] = 255, 0, 255
    >>> int(selection.painted(image, (255, 0, 255)).sum())
    6
    """
    return _native.painted(_aligned(image), list(rgb), tolerance)


def boxes(image: Any, *boxes: Tuple[int, int, int, int]) -> np.ndarray:
    """Boxes (x, y, width, height) in pixels, as far as they lie in the image.

    >>> import numpy as np
    >>> from inpaint_edge import selection
    >>> int(selection.boxes(np.zeros((8, 8), np.uint8), (0, 0, 2, 3), (6, 6, 9, 9)).sum())
    10
    """
    height, width = samples(image).shape[:2]
    mask = np.zeros((height, width), bool)
    for x, y, w, h in boxes:
        part = mask[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)]
        if part.size == 0:
            raise InputError(f"expected a box inside {width}×{height}, found {x},{y},{w},{h}")
        part[:] = True
    return mask
