"""The fixture `written`: a folder that every writer of TensorBoard events has filled, once for the whole session."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

WRITERS = Path(__file__).parent / "script" / "tensorboard_writers.py"


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `read.json`, what TensorBoard itself reads there, and `keras.json`, what Keras says it saw."""
    for package in ("tensorboard", "tensorflow", "torch", "keras"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp("written")
    done = subprocess.run([sys.executable, str(WRITERS), str(folder)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return folder
