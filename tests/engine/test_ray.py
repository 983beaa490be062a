"""The engine on a cluster of two nodes, in a program of its own: what Ray starts and prints stays there."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import stepsize as ss

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
PROGRAM = Path(__file__).with_name("ray_cluster.py")
ROOT = PROGRAM.parents[2]


@pytest.fixture(scope="session")
def found(tmp_path_factory):
    """What the program found out; one cluster serves all tests."""
    answer = tmp_path_factory.mktemp("ray") / "found.json"
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(answer)],
        env={**os.environ, "PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(answer.read_text())


def test_a_study_on_a_cluster_decides_as_it_does_here(found):
    assert found["there"] == found["here"]


def test_a_node_lost_on_the_way_loses_only_what_was_under_way_on_it(found):
    assert found["node"] == {"lost": True, "same": True, "more than once": 1, "more than twice": 0}


def test_a_run_that_ends_its_worker_each_time_has_failed_and_the_others_go_on(found):
    assert found["outcomes"] == ["finished", "failed", "finished"]


def test_a_refusal_is_the_one_there_would_be_here(found):
    assert found["refusal"].startswith("training takes no setting width")


def test_the_cluster_is_let_go_of(found):
    assert found["left"] is False


@pytest.mark.parametrize(("name", "value"), {"workers": 0, "cpus": 0, "gpus": -1, "retries": "2"}.items())
def test_a_bad_argument_is_named_before_ray_is_asked(name, value):
    from stepsize.engine import as_engine

    with pytest.raises(ss.InvalidSpace, match=f"{name} must be"):
        as_engine("ray", **{name: value})
