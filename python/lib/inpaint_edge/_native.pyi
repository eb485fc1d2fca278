from os import PathLike
from typing import Any, Callable, List, Optional, Tuple, Union

import numpy as np

from ._types import Report

class Reading:
    def __new__(
        cls, mask_white: str = "hole", mask_channel: str = "auto", mask_threshold: int = 128, grow: int = 0
    ) -> Reading: ...
    def of_bool(self) -> Reading: ...

class Hole:
    def __new__(cls, mask: np.ndarray, reading: Reading) -> Hole: ...
    def count(self) -> int: ...

class Engine:
    def __new__(
        cls,
        weights: Union[str, PathLike[str], bytes, None],
        threads: int,
        context: Optional[int],
        texture: str,
        grain: bool,
        max_memory: Optional[int],
    ) -> Engine: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...
    def fill(
        self, image: np.ndarray, hole: Hole, bgr: bool, progress: Optional[Callable[[int, int], Any]]
    ) -> Report: ...
    def plan(self, hole: Hole, channels: int, macs: bool) -> Report: ...
    def fill_encoded(
        self,
        image: Union[str, PathLike[str], bytes],
        mask: Union[str, PathLike[str], bytes],
        out: Optional[str],
        format: str,
        quality: Optional[int],
        seal: bool,
        reading: Reading,
        progress: Optional[Callable[[int, int], Any]],
    ) -> Tuple[Any, Report]: ...

def transparent(image: np.ndarray, opaque_from: Optional[int]) -> np.ndarray: ...
def painted(image: np.ndarray, rgb: List[int], tolerance: Optional[int]) -> np.ndarray: ...
