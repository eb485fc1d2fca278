"""Fills records of a table, such as Ray and Spark hold, one by one.

Nothing stops the job: what cannot be filled becomes a row with `error` and `exit_code`. Results have the same bytes on every
machine, and files are replaced in one step under their key. A task that is run twice, after a fault or by speculation, leaves
what one run leaves.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ._inpainter import Inpainter
from .errors import InpaintError, InputError, OutputError, UnreadableError, UsageError

Row = Dict[str, Any]


def columns(pyarrow: Any) -> List[Tuple[str, Any]]:
    """Names and Arrow types of a row."""
    types = (pyarrow.string(), pyarrow.binary(), pyarrow.int64(), pyarrow.string(), pyarrow.int32())
    return list(zip(("key", "result", "hole_pixels", "error", "exit_code"), types))


def pairs(images: str, masks: str) -> List[Dict[str, str]]:
    """Records of the images in a folder, each with the mask of the same name without its ending. Both are paths, or URIs that
    PyArrow knows, such as s3://bucket/folder. An image without a mask becomes a row with an error.
    """
    found = {key: path for key, path in _listed(masks)}
    missing = f"{masks.rstrip('/')}/{{}}.png"
    return [{"key": key, "image": path, "mask": found.get(key, missing.format(key))} for key, path in _listed(images)]


def _listed(folder: str) -> Iterator[Tuple[str, str]]:
    """Keys and places of the files of a folder, sorted."""
    if "://" not in folder:
        places = [os.path.join(folder, name) for name in os.listdir(folder)]
    else:
        from pyarrow import fs

        system, path = fs.FileSystem.from_uri(folder)
        files = [file for file in system.get_file_info(fs.FileSelector(path)) if file.is_file]
        places = [f"{folder.rstrip('/')}/{file.base_name}" for file in files]
    for place in sorted(places):
        yield os.path.splitext(os.path.basename(place))[0], place


def fill(
    records: Iterable[Mapping[str, Any]],
    inpainter: Inpainter,
    *,
    folder: Optional[str] = None,
    format: str = "png",
    **how: Any,
) -> Iterator[Row]:
    """Fills each record and gives a row for it.

    records:  `key` (str), `image` and `mask` (a path, a URI that PyArrow knows, or the bytes of a file)
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
    """A path, or bytes: tables have gaps, and what a URI names may be gone."""
    source = record[column]
    if isinstance(source, str) and "://" in source:
        from pyarrow import fs

        try:
            system, path = fs.FileSystem.from_uri(source)
            with system.open_input_stream(path) as stream:
                return stream.read()
        except (OSError, ValueError) as e:
            raise UnreadableError(f"{source}: cannot be read: {e}") from e
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
