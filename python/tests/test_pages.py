"""The code of the guide runs as it is written there."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from conftest import ROOT


@pytest.mark.parametrize("page, least", [("docs/PYTHON.md", 5), ("python/PACKAGE.md", 1)])
def test_the_code_of_a_page_runs(page, least, images, program, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)
    assert len(blocks) >= least
    for name in ("photo.png", "mask.png"):
        shutil.copy(images / name, tmp_path)
    done = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    if page == "docs/PYTHON.md":
        subprocess.run([program, "photo.png", "mask.png", "expected.png", "--mask-grow", "1"], cwd=tmp_path, check=True)
        made, expected = (np.asarray(Image.open(tmp_path / name)) for name in ("filled.png", "expected.png"))
        assert (made == expected).all()
