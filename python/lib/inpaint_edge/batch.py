"""Fills records of a table, such as Ray and Spark hold, one by one.

Nothing stops the job: what cannot be filled becomes a row with `error` and `exit_code`. Results have the same bytes on every
machine, and files are replaced in one step under their key. A task that is run twice, after a fault or by speculation, leaves
what one run leaves.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional

from ._inpainter import Inpainter
from .errors import InpaintError, InputError, OutputError, UsageError

Row = Dict[str, Any]


def fill(
    records: Iterable[Mapping[str, Any]],
    inpainter: Inpainter,
    *,
    folder: Optional[str] = None,
    format: str = "png",
    **how: Any,
) -> Iterator[Row]:
    """Fills each record and gives a row for it.

    records:  `key` (str), `image` and `mask` (a path, or the bytes of a file)
    folder:   where results are written, as `<key>.<format>`; a key may have folders of its own. None: rows hold the results
    format:   "png", "webp", "jpg" or "tif"
    how:      as in `Inpainter.inpaint_file`

    A row has `key`; `result`, bytes, None in a file; `hole_pixels`; `error`, None where there is none; `exit_code`, 0 where
    all is well, otherwise the program's.

    >>> from inpaint_edge import Inpainter, batch
    >>> [row] = batch.fill([{"key": "a", "image": b"no picture", "mask": b""}], Inpainter())
    >>> row["exit_code"], row["result"]
    (3, None)
    """
    for record in records:
        key = record["key"]
        row: Row = {"key": key, "result": None, "hole_pixels": None, "error": None, "exit_code": 0}
        try:
            image, mask = _source(record, "image"), _source(record, "mask")
            if folder is None:
                row["result"], report = inpainter.inpaint_bytes(image, mask, format, **how)
            else:
                report = inpainter.inpaint_file(image, mask, _path(folder, key, format), **how)
            row["hole_pixels"] = report["hole_pixels"]
        except InpaintError as e:
            row.update(error=str(e), exit_code=e.exit_code)
        yield row


def _source(record: Mapping[str, Any], column: str) -> Any:
    """A path, or bytes: tables have gaps."""
    source = record[column]
    if isinstance(source, (str, bytes, bytearray, os.PathLike)):
        return source
    raise InputError(f"{column}: expected a path or bytes, found {type(source).__name__}")


def _path(folder: str, key: str, format: str) -> str:
    """The file of a key; its folder is made."""
    root = os.path.abspath(folder)
    path = os.path.abspath(os.path.join(root, f"{key}.{format}"))
    if os.path.commonpath([root, path]) != root:
        raise UsageError(f"key: expected a name inside the folder of results, found {key}")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as e:
        raise OutputError(f"{os.path.dirname(path)}: cannot be made: {e.strerror}") from e
    return path
