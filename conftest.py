"""Every example in README.md, docs/ and the docstrings is a test; Hypothesis draws the same cases every time.

The Python blocks of a document share one namespace and one temporary directory, in the order in which they
are read. A Python block that opens with a comment such as `# train.py` is also saved under that name, so that
a shell block after it can use the file. `<!-- skip: next "reason" -->` before a block skips it, visibly.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from sybil import Document, Example, Region, Sybil
from sybil.document import PythonDocStringDocument
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import SkipParser
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.parsers.rest import DocTestParser

os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("KERAS_BACKEND", "jax")  # unset, Keras would load TensorFlow
# Threads that wait for each other on shared cores make small tensors slow.
os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("stepsize", derandomize=True, deadline=None)
settings.load_profile("stepsize")

# The fixtures `browser`, `trained` and `written`: what takes long to start is started once for all tests.
pytest_plugins = ["tests.browser", "tests.trained", "tests.written"]

RUN_HERE = {"stepsize", "python"}
RUN_BY_CI = {"git", "make", "pip"}

run_python = PythonEvaluator()


def python(example: Example) -> None:
    if name := re.match(r"# (\w+\.py)\n", example.parsed):
        Path(name[1]).write_text(example.parsed, encoding="utf-8")
    run_python(example)


def shell(example: Example) -> None:
    run(example.parsed)


def console(example: Example) -> None:
    """Only what stands after a prompt is a command; the rest is what it answered."""
    run("\n".join(re.findall(r"^\$ ((?:.*\\\n)*.*)", example.parsed, re.MULTILINE)))


def run(script: str) -> None:
    program = next(line.split()[0] for line in script.splitlines() if line and not line.startswith("#"))
    if program in RUN_BY_CI:
        return
    assert program in RUN_HERE, f"{program!r} is run neither here nor by .ci/run: mark the block as skipped"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


EVALUATORS: dict[str, Callable[[Example], None]] = {
    "python": python,
    "bash": shell,
    "sh": shell,
    "console": console,
}
# "python title=…" is Python too; the word alone would miss it, and the block would go untested in silence.
fences = FencedCodeBlockLexer(r"[^\n]+")


def examples(document: Document) -> Iterable[Region]:
    for block in fences(document):
        block.parsed = block.lexemes["source"]
        block.evaluator = EVALUATORS.get(block.lexemes["language"].split()[0])
        if block.evaluator:
            yield block


def enter(namespace: dict[str, Any]) -> None:
    namespace["_stack"] = stack = ExitStack()
    stack.enter_context(chdir(stack.enter_context(TemporaryDirectory())))


def leave(namespace: dict[str, Any]) -> None:
    namespace["_stack"].close()


pages = Sybil([examples, SkipParser()], pattern="*.md", setup=enter, teardown=leave)
docstrings = Sybil(
    [DocTestParser()],
    path="src",
    pattern="*.py",
    document_types={".py": PythonDocStringDocument},
    setup=enter,
    teardown=leave,
)
pytest_collect_file = (pages + docstrings).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests come in random order, but a document is read from its top: its examples build on each other."""

    def place(item: pytest.Item) -> tuple[str, int]:
        example = getattr(item, "example", None)
        return (str(item.path), example.region.start) if isinstance(example, Example) else ("", 0)

    items.sort(key=place)
