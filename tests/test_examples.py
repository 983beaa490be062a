"""Every script in `examples/` runs, its loss falls, and the rates before and after are the same to rounding."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
# script -> what it needs, a tiny size, and how far apart rates may be: the rounding of float64 or of float32.
SCRIPTS = {
    "torch_adam.py": ("torch", "--epochs 4 --digits 1250", 0.0),
    "torch_sgd.py": ("torch", "--epochs 95 --digits 250", 1e-15),
    "keras_exponential.py": ("keras", "--epochs 4 --digits 1250", 2e-9),
    "tensorflow_loop.py": ("tensorflow", "--epochs 8 --digits 1250", 3e-8),
    "optax_loop.py": ("optax", "--epochs 8 --digits 1250", 1e-9),
}
APART = re.compile(r"apart by at most ([-+.e\d]+)")
LOSS = re.compile(r"loss ([.\d]+) -> ([.\d]+)")


def installed(script: str) -> bool:
    return all(find_spec(package) is not None for package in (SCRIPTS[script][0], "mlxtend"))


def ran(script: str) -> subprocess.CompletedProcess[str]:
    _, options, _ = SCRIPTS[script]
    return subprocess.run(
        [sys.executable, "-W", "default", EXAMPLES / script, *options.split()],
        env=os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Future[subprocess.CompletedProcess[str]]]]:
    """The scripts, two at a time: each uses one core."""
    with ThreadPoolExecutor(2) as two:
        yield {script: two.submit(ran, script) for script in SCRIPTS if installed(script)}


def output(script: str, running: dict[str, Future[subprocess.CompletedProcess[str]]]) -> str:
    if script not in running:
        pytest.skip(f"{SCRIPTS[script][0]} or mlxtend is not installed")
    done = running[script].result()
    assert done.returncode == 0, done.stderr
    # Capitals are the log of TensorFlow; a warning of Python names its class.
    assert "Warning: " not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_rates_are_the_same_before_and_after_and_the_loss_falls(script: str, running) -> None:
    printed = output(script, running)
    apart = [float(size) for size in APART.findall(printed)]
    assert apart, printed
    assert max(apart) <= SCRIPTS[script][2], printed
    for first, last in LOSS.findall(printed):
        assert float(last) < float(first), printed


def test_every_script_is_here_and_in_the_readme() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py")} - {"digits.py"}
    assert scripts == SCRIPTS.keys()
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"python examples/{script}" in readme for script in scripts)
