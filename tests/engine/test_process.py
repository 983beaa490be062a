"""`Process`: real workers, really killed; what is lost, what is made again, and what is the same as here."""

import os
import sys
import threading
from typing import Any

import pytest

import stepsize as ss
from stepsize.engine import Engine, Local, as_engine
from stepsize.engine.process import Process
from stepsize.job import Job
from tests.engine import deaths
from tests.trainings import bowl

STEPS = 60


def job(seed: int = 0, steps: int = STEPS, **settings: Any) -> Job:
    return Job(ss.Policy(ss.warmup_cosine(0.03, steps, 3)), steps, seed, settings)


def runs(engine: Engine, training: Any, jobs: list[Job], watch: Any = lambda index, step: None) -> dict[int, ss.Run]:
    """The runs by the index of their jobs; the engine is closed."""
    try:
        return dict(engine.runs(training, jobs, watch))
    finally:
        engine.close()


def same(a: ss.Run, b: ss.Run) -> bool:
    columns = a.columns.keys() == b.columns.keys() and all(
        (a[name] == b[name]).all() and (a.column(name).step == b.column(name).step).all() for name in a.columns
    )
    about = all(
        getattr(a, name) == getattr(b, name) for name in ("outcome", "reason", "policy", "steps", "seed", "settings")
    )
    return columns and about


def test_what_ends_one_run_harms_no_other() -> None:
    ways = ["", "killed", "exit", "leave", "segfault", "hog", "brood", "forked", ""]
    jobs = [job(seed, way=way) for seed, way in enumerate(ways)]
    made = runs(Process(workers=2, retries=0, memory=0.3), deaths.mortal, jobs)
    assert len(made) == len(ways)
    assert {way: (made[i].outcome, made[i].reason) for i, way in enumerate(ways)} == {
        "": ("finished", ""),
        "killed": ("failed", "its process was killed by SIGKILL, perhaps by the system for lack of memory"),
        "exit": ("failed", "its process ended with exit code 7"),
        "leave": ("failed", "its process ended with exit code 8"),
        "segfault": ("failed", "its process was killed by SIGSEGV"),
        "hog": ("failed", "it took more than 0.3 GiB of memory"),
        "brood": ("failed", "it took more than 0.3 GiB of memory"),
        "forked": ("failed", "its process was killed by SIGKILL, perhaps by the system for lack of memory"),
    }
    for index in (0, len(ways) - 1):
        assert same(made[index], ss.drive(deaths.mortal, jobs[index].policy, STEPS, index, {"way": ""}))


def test_a_run_that_takes_too_long_is_ended_and_harms_no_other() -> None:
    made = runs(Process(workers=2, timeout=3), deaths.mortal, [job(way=way) for way in ("hang", "", "")])
    assert [made[i].outcome for i in range(3)] == ["failed", "finished", "finished"]
    assert made[0].reason == "it took more than 3 seconds"


def test_a_run_whose_worker_was_killed_is_made_again(tmp_path: Any) -> None:
    jobs = [job(seed, folder=str(tmp_path)) for seed in range(3)]
    made = runs(Process(workers=2, retries=1), deaths.dies_once, jobs)
    assert all((made[i].loss == ss.drive(bowl, jobs[i].policy, STEPS, i).loss).all() for i in range(3))


def test_a_run_that_kills_its_worker_each_time_is_not_made_for_ever() -> None:
    made = runs(Process(workers=1, retries=2), deaths.mortal, [job(way="exit")])
    assert made[0].reason == "its process ended with exit code 7, 3 times in a row"


def test_a_lost_run_says_how_far_it_was_and_at_which_rates() -> None:
    def doomed(seed: int) -> Any:
        for step in range(STEPS):
            if step == 30:
                deaths.WAYS["exit"]()
            deaths.time.sleep(0.02)
            yield 1.0

    made = runs(Process(workers=1, retries=0), doomed, [job()])[0]
    assert 0 < made.updates <= 30
    assert (made["lr"] == made.policy.lr(made.column("lr").step)).all()
    assert made.final("loss") == float("inf")


def test_a_run_is_not_blamed_for_the_memory_that_others_left_behind() -> None:
    made = runs(Process(workers=1, memory=0.25), deaths.leaks, [job(seed) for seed in range(4)])
    assert [made[seed].outcome for seed in range(4)] == ["finished"] * 4


def test_runs_come_back_as_they_end() -> None:
    engine = Process(workers=2)
    jobs = [job(steps=100, pause=0.02), job(steps=5), job(steps=5)]
    order = [index for index, _ in engine.runs(deaths.slow, jobs, lambda *place: None)]
    engine.close()
    assert order[-1] == 0
    assert set(order) == {0, 1, 2}


def test_how_far_a_run_is_is_told_now_and_then() -> None:
    told = []
    runs(Process(workers=1), bowl, [job(steps=100_000)], lambda *place: told.append(place))
    assert {index for index, _ in told} == {0}
    steps = [step for _, step in told]
    assert steps == sorted(steps)
    assert 0 < len(steps) < 5_000


def test_what_a_training_does_wrong_is_its_outcome() -> None:
    def clumsy(seed: int) -> Any:
        yield
        if seed == 0:
            raise KeyError("no such file")
        yield float("nan")

    made = runs(Process(workers=1), clumsy, [job(0), job(1)])
    assert (made[0].outcome, made[0].reason) == ("failed", "KeyError: 'no such file'")
    assert made[1].outcome == "diverged"


def test_a_setting_that_the_training_does_not_take_is_refused_as_it_is_here() -> None:
    with pytest.raises(ss.InvalidTraining, match="bowl takes no setting width"):
        runs(Process(workers=1), bowl, [job(width=3)])


def test_lambdas_closures_and_what_they_hold_are_sent() -> None:
    factor = 3.0

    def scaled(seed: int) -> Any:
        inner = bowl(seed)
        next(inner)
        lr = yield
        while True:
            lr = yield (lambda loss: factor * loss)(inner.send(lr))

    assert same(runs(Process(workers=1), scaled, [job()])[0], runs(Local(), scaled, [job()])[0])


def test_what_cannot_be_sent_is_one_clear_error() -> None:
    lock = threading.Lock()

    def locked(seed: int) -> Any:
        with lock:
            yield

    with pytest.raises(ss.InvalidTraining, match=r"cannot be sent to another process \(TypeError: .*lock"):
        runs(Process(workers=1), locked, [job()])


class Far:
    """Can be sent, but not received."""

    def __reduce__(self) -> Any:
        return __import__, ("no_such_module",)

    def run(self, job: Job, watch: Any) -> ss.Run:
        raise AssertionError


def test_what_cannot_be_received_is_one_clear_error() -> None:
    with pytest.raises(ss.InvalidTraining, match=r"cannot be loaded in a worker.*no_such_module"):
        runs(Process(workers=2), Far(), [job(), job()])


class Deadly(Far):
    """Ends whoever receives it."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


def test_workers_that_cannot_begin_are_not_started_for_ever() -> None:
    with pytest.raises(ss.EngineError, match="ended with exit code 3 before it could begin"):
        runs(Process(workers=2, retries=1), Deadly(), [job(), job()])


class Whole:
    """A training that makes a whole run by itself, as a script does."""

    def run(self, job: Job, watch: Any) -> ss.Run:
        return ss.drive(bowl, job.policy, job.steps, job.seed, watch=watch)


def test_a_training_that_makes_whole_runs() -> None:
    assert same(runs(Process(workers=1), Whole(), [job()])[0], ss.drive(bowl, job().policy, STEPS))


def test_the_workers_stay_for_the_next_round_and_change_with_the_training(tmp_path: Any) -> None:
    engine = Process(workers=1)

    def who(seed: int) -> Any:
        yield
        while True:
            yield float(deaths.os.getpid())

    def pid() -> float:
        return next(run.loss[0] for _, run in engine.runs(who, [job()], lambda *place: None))

    first = pid()
    assert first == pid() != deaths.os.getpid()
    assert next(run for _, run in engine.runs(bowl, [job()], lambda *place: None)).outcome == "finished"
    assert pid() != first
    engine.close()


def test_a_task_of_torch_gives_the_same_bits() -> None:
    torch = pytest.importorskip("torch")
    from stepsize.torch import Task

    x = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
    task = Task(
        lambda width=16: torch.nn.Sequential(torch.nn.Linear(8, width), torch.nn.Dropout(), torch.nn.Linear(width, 1)),
        torch.nn.functional.mse_loss,
        train=(x, x.square().sum(1, keepdim=True)),
        val=(x, x.square().sum(1, keepdim=True)),
        steps=STEPS,
    )
    jobs = [job(seed, width=8 * (seed + 1)) for seed in range(2)]
    there = runs(Process(workers=1, threads=torch.get_num_threads()), task, jobs)
    here = runs(Local(), task, jobs)
    assert all(same(there[i], here[i]) for i in (0, 1))
    assert {"loss", "val_loss"} <= there[0].columns.keys()


BAD = {
    "workers": 0,
    "memory": -1,
    "timeout": float("nan"),
    "retries": 1.5,
    "threads": True,
}


@pytest.mark.parametrize(("name", "value"), BAD.items(), ids=BAD)
def test_a_bad_argument_is_named(name: str, value: Any) -> None:
    with pytest.raises(ss.InvalidSpace, match=f"{name} must be"):
        Process(**{name: value})


def test_an_engine_nobody_knows_is_answered_with_those_there_are() -> None:
    with pytest.raises(ss.InvalidSpace, match=r"engine must be one of local, .*process.*; got 'proces'"):
        as_engine("proces")


def test_an_interpreter_that_cannot_start_is_an_engine_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ss.EngineError, match="cannot be started"):
        runs(Process(workers=1), bowl, [job()])
