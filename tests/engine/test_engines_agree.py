"""The same search on every engine: the same rates, settings and results. The cluster is in `test_ray.py`."""

import random
import subprocess
import sys
import time
from typing import Any

import pytest

import stepsize as ss
from stepsize.engine import Engine, as_engine
from stepsize.engine.process import Process
from tests.trainings import bowl

SEARCH = {"budget": 4.0, "steps": 120, "space": {"weight_decay": (1e-3, 1.0), "width": [4, 8]}}


def unhurried(seed: int, weight_decay: float, width: int) -> Any:
    """The bowl; how long a run takes has nothing to do with when it was asked for."""
    time.sleep(random.Random(f"{seed} {weight_decay} {width}").uniform(0, 0.05))
    inner = bowl(seed, weight_decay)
    next(inner)
    lr = yield
    while True:
        lr = yield inner.send(lr) * (8 / width)


def test_a_search_decides_the_same_in_two_processes_as_here() -> None:
    here = ss.tune(unhurried, **SEARCH)
    there = ss.tune(unhurried, **SEARCH, engine="process", workers=2)
    assert there.document() == here.document()
    assert there.runs != here.runs
    assert [run.loss.tolist() for run in there.runs] == [run.loss.tolist() for run in here.runs]


def test_a_study_goes_on_on_another_engine(tmp_path: Any) -> None:
    here = ss.tune(unhurried, **SEARCH)
    study = tmp_path / "study.db"
    ss.tune(unhurried, **{**SEARCH, "budget": 2.0}, out=study, engine="process", workers=2)
    assert ss.tune(unhurried, **SEARCH, out=study, resume=True).document() == here.document()


def test_an_engine_of_ones_own_stays_open() -> None:
    engine = Process(workers=1)
    first = ss.tune(bowl, budget=2.0, steps=80, engine=engine)
    assert ss.tune(bowl, budget=2.0, steps=80, engine=engine).document() == first.document()
    engine.close()


def test_an_engine_nobody_knows_is_answered_with_those_there_are_and_nothing_is_deleted(tmp_path: Any) -> None:
    study = tmp_path / "study.db"
    ss.tune(bowl, budget=2.0, steps=80, out=study)
    with pytest.raises(ss.InvalidSpace, match=r"engine must be one of local, .*process.*; got 'proces'"):
        ss.tune(bowl, budget=2.0, steps=80, out=study, overwrite=True, engine="proces")
    assert study.exists()


def test_an_option_that_an_engine_does_not_take_is_named() -> None:
    with pytest.raises(ss.InvalidSpace, match="'local' takes no workers"):
        ss.tune(bowl, budget=2.0, steps=80, workers=2)
    with pytest.raises(ss.InvalidSpace, match="workers can be set for an engine that is named"):
        as_engine(Process(workers=1), workers=2)
    assert isinstance(as_engine("process", workers=1, timeout=5), Engine)


@pytest.mark.parametrize(("engine", "package", "extra"), [("process", "cloudpickle", "tune"), ("ray", "ray", "ray")])
def test_an_engine_whose_package_is_missing_says_what_to_install(engine: str, package: str, extra: str) -> None:
    program = (
        f"import sys; sys.modules[{package!r}] = None; from stepsize.engine import as_engine; as_engine({engine!r})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert f'MissingExtra: {package} is not installed; run: pip install "stepsize[{extra}]"' in done.stderr
