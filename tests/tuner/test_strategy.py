"""The strategy against losses that are known exactly: no training, no file."""

import math
from collections.abc import Callable

import pytest

from stepsize.errors import EngineError
from stepsize.tuner.plan import Decision, Plan, Result
from stepsize.tuner.space import parse_space
from stepsize.tuner.strategy import search
from stepsize.tuner.trial import Trial

Loss = Callable[[Trial], float]
STEPS = 1_000


def play(plan: Plan, loss: Loss) -> Decision:
    """Answer every trial with `loss`; a divergence costs a tenth of its run."""
    searching = search(plan)
    trials = next(searching)
    while True:
        try:
            trials = searching.send(tuple(answer(plan, trial, loss(trial)) for trial in trials))
        except StopIteration as end:
            decision: Decision = end.value
            return decision


def answer(plan: Plan, trial: Trial, value: float) -> Result:
    return Result(trial, value, 3.0, trial.steps / plan.steps * (1.0 if math.isfinite(value) else 0.1))


def basin(optimum: float, shift: float = -0.4, edge: float = 0.8) -> Loss:
    """A basin whose optimum moves by `shift` decades a decade of horizon; `edge` above it, it diverges."""

    def loss(trial: Trial) -> float:
        horizon = math.log10(trial.steps / STEPS)
        distance = trial.rate - (optimum + shift * horizon)
        if distance > edge:
            return math.inf
        z = distance / (1.2 if distance < 0 else 0.5)
        return 1.0 - 0.3 * horizon + 2.0 * z * z / (1 + z * z)

    return loss


def plan(budget: float = 4.0, **options: object) -> Plan:
    return Plan(STEPS, budget, -6.0, 1.0, (-2.5, 1.0), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("optimum", [-4.5, -3.2, -2.5, -1.7, -0.6])
@pytest.mark.parametrize("shift", [-0.6, 0.0, 0.3])
def test_the_rate_is_found_wherever_it_lies_and_however_it_moves(optimum: float, shift: float) -> None:
    decision = play(plan(), basin(optimum, shift))
    assert -0.45 < decision.rate - optimum < 0.2
    full = [result.trial.rate for result in decision.results if result.trial.steps == STEPS]
    assert min(abs(rate - decision.rate) for rate in full) < 0.3


@pytest.mark.parametrize("budget", [1.0, 1.5, 2.0, 3.0, 4.0, 7.0, 20.0])
def test_the_budget_is_never_exceeded(budget: float) -> None:
    decision = play(plan(budget), basin(-2.0))
    spent = sum(result.cost for result in decision.results)
    assert 0.2 < spent <= budget + 1e-9
    assert any(result.trial.steps == STEPS for result in decision.results) == (budget >= 2)


def test_the_same_results_lead_to_the_same_decisions() -> None:
    space = parse_space({"weight_decay": (1e-3, 0.3), "batch_size": [32, 64]})
    one, other = (play(plan(6.0, space=space, seed=3), basin(-2.0)) for _ in range(2))
    assert one.results == other.results
    assert (one.rate, one.settings) == (other.rate, other.settings)


def test_no_run_goes_where_a_run_of_that_length_has_diverged() -> None:
    decision = play(plan(8.0), basin(-2.0, edge=0.1))
    lost: list[Trial] = []
    short = min(result.trial.steps for result in decision.results)
    for result in decision.results:
        trial = result.trial
        if trial.steps > short:
            assert all(trial.rate < other.rate for other in lost if other.steps <= trial.steps)
        if not math.isfinite(result.loss):
            lost.append(trial)
    assert math.isfinite(min(r.loss for r in decision.results if r.trial.rate == decision.rate))


def test_no_trial_is_made_twice() -> None:
    decision = play(plan(10.0), basin(-2.0))
    trials = [result.trial for result in decision.results]
    assert len(set(trials)) == len(trials)


def test_bounds_that_are_to_hold_hold() -> None:
    decision = play(plan(10.0, widen=False), basin(-6.5))
    assert all(-6.0 <= result.trial.rate <= 1.0 for result in decision.results)
    assert decision.rate < -5.5


@pytest.mark.parametrize("optimum", [-6.8, 1.7])
def test_bounds_give_way_to_a_best_rate_beyond_them(optimum: float) -> None:
    decision = play(plan(6.0), basin(optimum, shift=0.0))
    assert abs(decision.rate - optimum) < 0.3
    assert all(-8.0 <= result.trial.rate <= 3.0 for result in decision.results)


def test_a_training_of_one_length_gets_only_runs_of_that_length() -> None:
    decision = play(plan(8.0, fixed=True), basin(-2.0))
    assert {result.trial.steps for result in decision.results} == {STEPS}
    assert abs(decision.rate + 2.0) < 0.2


@pytest.mark.parametrize("parallel", [2, 4])
def test_rounds_of_several_trials_find_the_rate_too_and_keep_the_budget(parallel: int) -> None:
    asked = plan(6.0, parallel=parallel)
    searching, sizes = search(asked), []
    try:
        trials = next(searching)
        while True:
            sizes.append(len(trials))
            trials = searching.send(tuple(answer(asked, trial, basin(-2.0)(trial)) for trial in trials))
    except StopIteration as end:
        decision: Decision = end.value
    assert 1 < max(sizes[1:]) <= max(parallel, 3)
    assert sum(result.cost for result in decision.results) <= 6.0 + 1e-9
    assert abs(decision.rate + 2.0) < 0.2


def test_settings_are_searched_jointly_with_the_rate_that_suits_them() -> None:
    space = parse_space({"weight_decay": (1e-3, 1.0), "kind": ["a", "b", "c"]})

    def loss(trial: Trial) -> float:
        given = dict(trial.settings)
        decay = math.log10(given["weight_decay"])
        # "b" is best, but only at a rate three times higher; so is a weight decay of 0.03.
        moved = basin(-2.0 + (0.5 if given["kind"] == "b" else 0.0))(trial)
        return moved + {"a": 0.4, "b": 0.0, "c": 0.8}[given["kind"]] + 0.2 * (decay + 1.5) ** 2

    decision = play(plan(6.0, space=space), loss)
    chosen = dict(decision.settings)
    assert chosen["kind"] == "b"
    assert 0.003 < chosen["weight_decay"] < 0.4
    assert -2.0 < decision.rate < -1.3


def test_a_setting_that_only_shines_on_short_runs_is_not_chosen() -> None:
    space = parse_space({"kind": ["sound", "short"]})

    def loss(trial: Trial) -> float:
        short = trial.steps <= STEPS / 8
        better = dict(trial.settings)["kind"] == ("short" if short else "sound")
        return basin(-2.0)(trial) + (0.0 if better else 0.5)

    assert dict(play(plan(6.0, space=space), loss).settings) == {"kind": "sound"}


def test_a_horizon_too_short_to_be_cut_is_still_searched() -> None:
    decision = play(Plan(4, 4.0, -6.0, 1.0, (-2.5, 1.0)), lambda trial: abs(trial.rate + 2.5))
    assert all(result.trial.steps == 4 for result in decision.results)
    assert abs(decision.rate + 2.5) < 0.3


def test_when_every_rate_diverges_the_rate_is_said_not_to_be_the_trouble() -> None:
    with pytest.raises(EngineError, match="NaN"):
        play(plan(), lambda trial: math.inf)
