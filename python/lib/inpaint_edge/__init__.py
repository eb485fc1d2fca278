"""Removes wires, scratches, dust, text and whole objects from photographs, on plain CPUs, with the same bytes on every machine.

`inpaint(image, mask)` fills an array or a Pillow image, `inpaint_file(image, mask, out)` a file. An `Inpainter` loads the network
once for many images. `selection` finds the hole by transparency, colour or boxes; `cv2` stands in for `cv2.inpaint`; `batch`
fills records of a table.

>>> import numpy as np, inpaint_edge
>>> image = np.full((64, 64, 3), 128, np.uint8)                         # height, width, channels: red, green, blue
>>> mask = inpaint_edge.selection.boxes(image, (20, 30, 10, 4))         # x, y, width, height
>>> filled = inpaint_edge.inpaint(image, mask)
>>> filled.shape, filled.dtype
((64, 64, 3), dtype('uint8'))
"""

from . import errors, selection
from ._inpainter import Inpainter, inpaint, inpaint_file
from ._types import Report
from .errors import (
    CancelledError,
    InpaintError,
    InputError,
    LimitsError,
    OutputError,
    UnreadableError,
    UnreadableWeightsError,
    UsageError,
    WeightsError,
)

__all__ = [
    "CancelledError",
    "InpaintError",
    "Inpainter",
    "InputError",
    "LimitsError",
    "OutputError",
    "Report",
    "UnreadableError",
    "UnreadableWeightsError",
    "UsageError",
    "WeightsError",
    "errors",
    "inpaint",
    "inpaint_file",
    "selection",
]
