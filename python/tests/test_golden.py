"""The recorded digests of every shipped network come out of Python too."""

import hashlib

import inpaint_edge
import numpy as np
import pytest

from conftest import ROOT

CHANNELS = {"grey": 1, "greya": 2, "rgb": 3, "rgba": 4}


def digest(inpainter, case, corpus):
    number, width, height, kind, _ = case
    dtype = "<u2" if kind.endswith("16") else "u1"
    shape = int(height), int(width), CHANNELS[kind.rstrip("0123456789")]
    image = np.fromfile(corpus / f"{number}.image", dtype).reshape(shape)
    mask = np.fromfile(corpus / f"{number}.mask", np.uint8).reshape(shape[:2])
    before = image.copy()
    try:
        filled = inpainter.inpaint(image, mask)
    except inpaint_edge.InpaintError as e:
        return e.kind
    assert (image == before).all()
    return hashlib.sha256(filled.tobytes()).hexdigest()


@pytest.mark.parametrize("name", ["edge", "nano", "nano-f16"])
def test_outputs_have_the_recorded_digests(name, corpus):
    inpainter = inpaint_edge.Inpainter(None if name == "edge" else ROOT / f"weights/{name}.safetensors")
    cases = [line.split("\t") for line in (corpus / "cases.tsv").read_text().splitlines()]
    recorded = [line.split("\t") for line in (ROOT / "tests/golden/digests.tsv").read_text().splitlines()]
    expected = {case: digest for of, case, digest in recorded if of == name and case != "weights"}
    assert {case[4]: digest(inpainter, case, corpus) for case in cases} == expected
