"""Stands in for OpenCV: `from inpaint_edge import cv2` in place of `import cv2`.

`inpaint` is this package's; all else is OpenCV's, which must be installed for it.

>>> import numpy as np
>>> from inpaint_edge import cv2
>>> src = np.full((32, 32, 3), 90, np.uint8)
>>> mask = np.zeros((32, 32), np.uint8)
>>> mask[8:12, 8:12] = 1
>>> cv2.inpaint(src, mask, 3, cv2.INPAINT_TELEA).shape
(32, 32, 3)
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ._inpainter import inpaint as _inpaint

INPAINT_NS = 0
INPAINT_TELEA = 1


def inpaint(
    src: np.ndarray, inpaintMask: np.ndarray, inpaintRadius: float, flags: int, dst: Optional[np.ndarray] = None
) -> np.ndarray:
    """As `cv2.inpaint`: fills what is not 0 in the mask of a grey or BGR image of `uint8`, `uint16` or `float32` (0 … 1).

    The network decides how far it looks: `inpaintRadius` and `flags` are taken and change nothing. With `dst` of the same
    shape and type, the result is in it.
    """
    mask = np.asarray(inpaintMask).reshape(inpaintMask.shape[:2]) != 0
    return _inpaint(src, mask, order="bgr", out=dst)


def __getattr__(name: str) -> Any:
    try:
        import cv2
    except ImportError as e:
        raise AttributeError(f"cv2.{name}: expected OpenCV, found none installed") from e
    return getattr(cv2, name)
