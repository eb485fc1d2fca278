"""The inpainter, and functions that make one for a single image."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, TypeVar, Union

from . import _native
from ._arrays import hole, is_pillow, result_for, samples, with_channels
from .errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import Reading, Report

Picture = TypeVar("Picture")
Path = Union[str, "os.PathLike[str]"]
Progress = Callable[[int, int], Any]


class Inpainter:
    """A network ready to run. It is loaded once and fills any number of images; several threads may use it at once.

    weights:     path or bytes of a weights file; None: the built-in network
    threads:     worker threads; 0: as many as there are cores
    context:     how many pixels around a hole the network sees; None: as the weights say
    texture:     which wide holes get texture: "auto", "on" or "off"
    grain:       whether smooth fills in noisy photographs get their grain
    max_memory:  bytes that weights and a run may take together; a run that takes more raises `LimitsError` before it starts

    It keeps the memory of its last run for the next. A child of fork() makes an inpainter of its own.

    Methods take these keywords on how a mask is read:

    mask_white:      "hole": white is filled; "keep": black is
    mask_threshold:  the lowest value that is white, 128; an array of `bool` has none
    mask_channel:    of a mask with several: "auto", "luma", "alpha", "red", "green" or "blue"
    grow:            pixels by which the hole grows on every side; below 0 it shrinks

    >>> import numpy as np
    >>> from inpaint_edge import Inpainter
    >>> image = np.full((48, 64, 3), 90, np.uint8)     # height, width, channels
    >>> image[20:30, 30:40] = 255                      # something that is in the way
    >>> mask = np.zeros((48, 64), bool)
    >>> mask[20:30, 30:40] = True
    >>> inpainter = Inpainter(threads=1)
    >>> filled = inpainter.inpaint(image, mask)
    >>> int(abs(filled[25, 35].astype(int) - 90).max()) < 10
    True
    """

    def __init__(
        self,
        weights: Union[Path, bytes, None] = None,
        *,
        threads: int = 0,
        context: Optional[int] = None,
        texture: str = "auto",
        grain: bool = True,
        max_memory: Optional[int] = None,
    ) -> None:
        self._engine = _native.Engine(weights, threads, context, texture, grain, max_memory)

    @property
    def isa(self) -> str:
        """The instruction set in use. It changes no byte of a result."""
        return self._engine.isa

    @property
    def threads(self) -> int:
        """Worker threads in use. Their number changes no byte of a result."""
        return self._engine.threads

    def inpaint(
        self,
        image: Picture,
        mask: Any,
        *,
        order: str = "rgb",
        out: Any = None,
        progress: Optional[Progress] = None,
        report: Optional[Dict[str, Any]] = None,
        **reading: Unpack[Reading],
    ) -> Picture:
        """Fills the hole of an image and returns the result, of the same type.

        image:     NumPy array `[height, width]` or `[height, width, 1 … 4]` (grey, grey + alpha, RGB, RGBA) of `uint8`,
                   `uint16` or `float32` (0 … 1), with any strides; or a Pillow image of mode L, LA, RGB, RGBA or I;16,
                   whose mode and `info` the result has
        mask:      `bool` or `uint8` of the same height and width, or a Pillow image
        order:     "bgr" for arrays of OpenCV
        out:       array that takes the result; `image` itself to fill in place
        progress:  called as progress(done, total), in pixels of the regions that are filled; an exception that it raises
                   stops the run
        report:    dict that is filled with what was done: see `Report`

        Other threads run meanwhile; Ctrl-C stops the run. Known pixels and alpha keep their values. Without `out`, nothing
        but the result is allocated for the image; Pillow copies on the way in and out. A run that is stopped leaves `out`
        partly filled.

        Raises `InputError` where sizes or types do not fit or nothing is known, `LimitsError` where memory is short.

        >>> import numpy as np
        >>> from inpaint_edge import Inpainter
        >>> image = np.full((32, 32), 0.5, np.float32)
        >>> mask = np.zeros((32, 32), np.uint8)
        >>> mask[8:12, 8:12] = 255
        >>> facts = {}
        >>> Inpainter().inpaint(image, mask, grow=1, out=image, report=facts) is image
        True
        >>> facts["hole_pixels"]
        32
        """
        if order not in ("rgb", "bgr"):
            raise UsageError(f"order: expected rgb or bgr, found {order}")
        pillow = is_pillow(image)
        if pillow and (order != "rgb" or out is not None):
            raise UsageError("expected an array for order and out, found a Pillow image")
        given = samples(image)
        to_fill = hole(mask, _native.Reading(**reading))
        filled: Any = result_for(given, out)
        done = self._engine.fill(with_channels(filled), to_fill, order == "bgr", progress)
        if report is not None:
            report.update(done)
        return _pillow_of(filled, image) if pillow else filled

    def inpaint_file(
        self,
        image: Union[Path, bytes],
        mask: Union[Path, bytes],
        out: Path,
        *,
        quality: Optional[int] = None,
        seal: bool = True,
        progress: Optional[Progress] = None,
        **reading: Unpack[Reading],
    ) -> Report:
        """Fills an image file as the program does, with all metadata that it keeps, and returns the report.

        image, mask:  paths of PNG, JPEG, WebP, TIFF, GIF, BMP, PNM or QOI, or their bytes
        out:          path ending in .png, .webp, .jpg or .tif; the file is replaced in one step
        quality:      of a JPEG, 1 to 100; None: that of the image, or 95
        seal:         whether what is filled from JPEG to JPEG is sealed, so that filling it again changes nothing; False
                      overlooks seals, too

        Raises `InputError` (`UnreadableError` where the system refuses a file), `UsageError` where the format cannot hold
        the image, `OutputError`, `LimitsError`. After an error the file is as it was.
        """
        # A path that is no text would be taken for None below.
        out = os.fspath(out)
        return self._engine.fill_encoded(image, mask, out, "", quality, seal, _native.Reading(**reading), progress)[1]

    def inpaint_bytes(
        self,
        image: Union[Path, bytes],
        mask: Union[Path, bytes],
        format: str = "png",
        *,
        quality: Optional[int] = None,
        seal: bool = True,
        progress: Optional[Progress] = None,
        **reading: Unpack[Reading],
    ) -> Tuple[bytes, Report]:
        """As `inpaint_file`, with the result as bytes of `format`: "png", "webp", "jpg" or "tif"."""
        return self._engine.fill_encoded(image, mask, None, format, quality, seal, _native.Reading(**reading), progress)

    def plan(self, mask: Any, channels: int = 3, *, macs: bool = False, **reading: Unpack[Reading]) -> Report:
        """What filling such a hole would take, before anything is filled: memory (`plan_bytes`), regions, and with `macs`
        the multiply–accumulates of the network, which take a moment to count.

        >>> import numpy as np
        >>> from inpaint_edge import Inpainter
        >>> mask = np.zeros((3000, 4000), bool)
        >>> mask[1000:1040, 1000:1040] = True
        >>> Inpainter().plan(mask)["plan_bytes"] < 64 << 20
        True
        """
        return self._engine.plan(hole(mask, _native.Reading(**reading)), channels, macs)


def _pillow_of(array: Any, image: Any) -> Any:
    """A Pillow image of an array, with the `info` of `image`."""
    from PIL import Image

    made = Image.fromarray(array)
    made.info = dict(image.info)
    return made


# One for all calls of the functions below with the same options.
_shared = functools.lru_cache(maxsize=1)(Inpainter)
# Threads stay in the parent.
os.register_at_fork(after_in_child=_shared.cache_clear)


def _inpainter(weights: Union[Path, bytes, None], **options: Any) -> Inpainter:
    """An inpainter; that of the last call where the weights are the built-in ones. A file may have changed since."""
    return _shared(**options) if weights is None else Inpainter(weights, **options)


def inpaint(
    image: Picture,
    mask: Any,
    *,
    weights: Union[Path, bytes, None] = None,
    threads: int = 0,
    context: Optional[int] = None,
    texture: str = "auto",
    grain: bool = True,
    max_memory: Optional[int] = None,
    **how: Any,
) -> Picture:
    """Fills the hole of an image: `Inpainter(weights, …).inpaint(image, mask, **how)`.

    >>> import numpy as np, inpaint_edge
    >>> image = np.full((32, 48, 3), 200, np.uint8)
    >>> mask = np.zeros((32, 48), bool)
    >>> mask[10:14, 10:30] = True
    >>> inpaint_edge.inpaint(image, mask).shape
    (32, 48, 3)
    """
    inpainter = _inpainter(
        weights, threads=threads, context=context, texture=texture, grain=grain, max_memory=max_memory
    )
    return inpainter.inpaint(image, mask, **how)


def inpaint_file(
    image: Union[Path, bytes],
    mask: Union[Path, bytes],
    out: Path,
    *,
    weights: Union[Path, bytes, None] = None,
    threads: int = 0,
    context: Optional[int] = None,
    texture: str = "auto",
    grain: bool = True,
    max_memory: Optional[int] = None,
    **how: Any,
) -> Report:
    """Fills an image file: `Inpainter(weights, …).inpaint_file(image, mask, out, **how)`."""
    inpainter = _inpainter(
        weights, threads=threads, context=context, texture=texture, grain=grain, max_memory=max_memory
    )
    return inpainter.inpaint_file(image, mask, out, **how)
