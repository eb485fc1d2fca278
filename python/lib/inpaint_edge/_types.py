"""Types of keywords and reports."""

from __future__ import annotations

from typing import Dict, TypedDict


class Reading(TypedDict, total=False):
    """How a mask is read: see `Inpainter`."""

    mask_white: str
    mask_channel: str
    mask_threshold: int
    grow: int


class Report(TypedDict):
    """What a run did or would do, as the program's `--json` has it."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    hole_pixels: int
    hole_ratio: float
    """Share of the image that is hole, 0 … 1."""
    regions: int
    """Regions that the network ran in."""
    wide_holes: int
    """Wide holes that got texture, or tiles of them."""
    texture_pixels: int
    plan_bytes: int
    """Memory of the run."""
    macs: int
    """Multiply–accumulates of the network."""
    ms: Dict[str, float]
    """Milliseconds of each stage: mask, regions, prior, network, synthesis, composite, grain."""
