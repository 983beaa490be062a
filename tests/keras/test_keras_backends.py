"""The checks in `backend/`, on every Keras backend: one process each, as Keras chooses its backend when imported."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.keras.torch_updates import CASES, by_torch

HERE = Path(__file__).parent / "backend"
BACKENDS = ("tensorflow", "jax", "torch")
QUIET = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": ""}


def files(backend):
    return sorted([*HERE.glob("all_*.py"), *HERE.glob(f"{backend}_*.py")])


def checks(backend):
    for file in files(backend):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield pytest.param(backend, node.name, id=f"{backend}-{node.name}")


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory):
    """What became of each check on a backend; all of them run in one go, when first asked for, the backends at once."""
    reference = tmp_path_factory.mktemp("reference") / "by_torch.json"
    reference.write_text(json.dumps({case: by_torch(case) for case in CASES}), encoding="utf-8")
    folders = {backend: tmp_path_factory.mktemp(backend) for backend in BACKENDS if importlib.util.find_spec(backend)}
    with ThreadPoolExecutor() as at_once:
        running = {
            backend: at_once.submit(run, backend, reference, folder / "report.xml")
            for backend, folder in folders.items()
        }

        def of(backend):
            if backend not in running:
                pytest.skip(f"{backend} is not installed")
            return running[backend].result()

        yield of


def run(backend, reference, report):
    without = ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    options = ["-q", *without, f"--confcutdir={HERE}", f"--junitxml={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *map(str, files(backend))],
        env={**os.environ, **QUIET, "KERAS_BACKEND": backend, "STEPSIZE_BY_TORCH": str(reference)},
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stdout + done.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failures = [f"{case.get('name')}: {child.text}" for child in case if child.tag in ("failure", "error")]
        found.setdefault(case.get("name").partition("[")[0], []).extend(failures)
    return found, done.stdout


@pytest.mark.timeout(900)  # the first check of each backend waits for all of them
@pytest.mark.parametrize(("backend", "check"), [check for backend in BACKENDS for check in checks(backend)])
def test_keras(outcomes, backend, check):
    found, said = outcomes(backend)
    assert check in found, f"{check} did not run on {backend}:\n{said}"
    assert not found[check], "\n".join(found[check])
