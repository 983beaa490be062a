"""Two processes: each update of each process has its own value, sharded or not, whoever repeats calls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.torch import two_processes as program

pytestmark = pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch has no gloo")


@pytest.fixture(scope="module")
def found():
    done = subprocess.run(
        [sys.executable, program.__file__], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def used(found, way):
    for process in found:
        if isinstance(process[way], str):
            pytest.skip(process[way])
    return [process[way] for process in found]


@pytest.mark.parametrize("way", ["ddp", "fsdp1", "fsdp2"])
def test_every_process_follows_and_resumes(found, way):
    expected = [program.LR(k) for k in range(program.UPDATES)]
    assert used(found, way) == [expected] * program.PROCESSES


def test_accelerate_1382_and_662_a_warmup_of_8_takes_8_updates_in_any_number_of_processes(found):
    """Its scheduler calls step() once for each process; torch's own schedulers were done in a fraction."""
    expected = [program.LR(k) for k in range(program.UPDATES)]
    assert used(found, "accelerate") == [expected] * program.PROCESSES


def test_a_decay_asked_for_by_a_file_starts_together(found):
    assert used(found, "watched") == [[1.0] * 9 + [0.75, 0.5, 0.25, 0.0]] * program.PROCESSES
