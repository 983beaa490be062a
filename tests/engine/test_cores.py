"""Cores and threads: what a container allows, and what each worker gets of it."""

import os
import sys
from pathlib import Path

import pytest

from stepsize.engine import cores


@pytest.mark.parametrize(
    ("quota", "expected"), [("300000 100000", 3), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", 8)]
)
def test_a_container_with_a_quota_has_fewer_cores(
    quota: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cores, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    assert cores.free_cores() == expected


@pytest.mark.parametrize(("here", "workers", "expected"), [(1, 4, 1), (8, 4, 2), (8, 1, 8), (2, 1, 2), (8, 16, 1)])
def test_a_worker_has_as_many_threads_as_here_or_its_share(
    here: int, workers: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "free_cores", lambda: 8)
    monkeypatch.setattr(cores, "FRAMEWORKS", {})
    monkeypatch.setenv("OMP_NUM_THREADS", str(here))
    assert cores.share(workers) == expected


def test_the_threads_set_in_a_loaded_framework_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    if "torch" in sys.modules:
        assert cores.threads_here() == sys.modules["torch"].get_num_threads()
    else:
        assert cores.threads_here() == 3
