"""What the tests compare with: the program, and the corpus of the self-test (`inpaint-corpus write FOLDER`)."""

import pathlib

import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--program", required=True, help="the program inpaint-edge")
    parser.addoption("--corpus", required=True, help="the folder that inpaint-corpus wrote")


@pytest.fixture
def program(request):
    return pathlib.Path(request.config.getoption("--program")).resolve()


@pytest.fixture
def corpus(request):
    return pathlib.Path(request.config.getoption("--corpus")).resolve()


@pytest.fixture(scope="session")
def images():
    return ROOT / "tests/images"


@pytest.fixture(scope="session")
def photo(images):
    """A part of the photograph of the tests, `[120, 160, 3]`."""
    return np.asarray(Image.open(images / "photo.png").convert("RGB"))[200:320, 300:460]


@pytest.fixture(scope="session")
def mask():
    """A hole of 26×14 pixels in it."""
    mask = np.zeros((120, 160), bool)
    mask[40:54, 60:86] = True
    return mask


@pytest.fixture(scope="session")
def inpainter():
    from inpaint_edge import Inpainter

    return Inpainter(threads=1)
