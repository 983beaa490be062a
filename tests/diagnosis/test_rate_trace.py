"""Checks of the logged rate: each fault is found and named, and sound schedules are left alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from logged import learning, seen, trace

import stepsize as ss
from stepsize.diagnosis.certain import certain_findings
from stepsize.diagnosis.rate_trace import rate_findings
from stepsize.diagnosis.shape import shape_findings
from stepsize.diagnosis.spikes import spike_findings
from stepsize.diagnosis.trace import Trace, trace_of
from stepsize.finding import Finding
from stepsize.run import Column, Run

STEPS = 2_000
SOUND = {
    "constant": ss.constant(1e-3),
    "cosine": ss.cosine(1e-3, 0, STEPS),
    "warmup, cosine": ss.warmup_cosine(1e-3, STEPS, 100),
    "warmup, cosine to a tenth": ss.warmup_cosine(1e-3, STEPS, 100, end=1e-4),
    "linear": ss.warmup_linear(1e-3, STEPS, 50),
    "wsd": ss.wsd(1e-3, STEPS, 100, 400),
    "one cycle": ss.one_cycle(1e-3, STEPS),
    "triangle": ss.cyclic(1e-4, 1e-3, 250),
    "sgdr": ss.sgdr(1e-3, 500),
    "sgdr, doubling, with a floor": ss.sgdr(1e-3, 290, growth=2, end=1e-4),
    "noam": ss.noam(512, 200),
    "stairs": ss.multistep(0.1, 0.1, [1_000, 1_500, 1_800]),
    "range test": ss.exponential(1e-7, 10, STEPS),
    "exponential": ss.exponential(1e-3, 1e-5, STEPS),
}


def rates(schedule: ss.Schedule, steps: int = STEPS) -> np.ndarray:
    return np.asarray(schedule(np.arange(steps)), dtype=np.float64)


def found(lr: np.ndarray, planned: int = 0, every: int = 1, **others: object) -> list[Finding]:
    return list(rate_findings(trace(learning(lr.size, noise=0.02), lr, every, planned=planned, **others)))


@pytest.mark.parametrize("planned", [STEPS, 0])
@pytest.mark.parametrize("digits", [None, 4, 6])
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_schedule_is_left_alone(name: str, digits: int | None, planned: int) -> None:
    lr = rates(SOUND[name])
    lr = lr if digits is None else np.array([float(f"{v:.{digits}g}") for v in lr])
    assert found(lr, planned) == []


@pytest.mark.parametrize("part", [0.05, 0.3, 0.7, 0.97])
@pytest.mark.parametrize("name", [name for name in SOUND if name != "range test"])
def test_a_checkpoint_on_the_way_is_left_alone(name: str, part: float) -> None:
    lr = rates(SOUND[name])[: int(part * STEPS)]
    assert found(lr, STEPS) == []


def test_a_warmup_that_never_ends() -> None:
    [it] = found(rates(ss.warmup_cosine(1e-3, 50 * STEPS, 6 * STEPS)), STEPS)
    assert it.kind == "warmup_longer_than_run"
    assert it.confidence == 0.95
    assert "40 updates" in it.advice
    [it] = found(rates(ss.warmup_cosine(1e-3, 50 * STEPS, 6 * STEPS)))
    assert it.confidence < 0.7
    assert "cut off" in it.doubt


def test_a_warmup_that_takes_most_of_the_run() -> None:
    [it] = found(rates(ss.warmup_cosine(1e-3, STEPS, 1_600)), STEPS)
    assert it.kind == "warmup_too_long"
    assert dict(it.evidence)["share"] == pytest.approx(0.8, abs=0.02)


def test_the_warmup_of_a_training_that_diverged_in_it_is_not_judged_by_where_it_ended() -> None:
    lr = rates(ss.warmup_cosine(1e-3, 50 * STEPS, 6 * STEPS))
    loss = np.append(learning(STEPS - 1), math.nan)
    assert list(rate_findings(trace(loss, lr))) == []


@pytest.mark.parametrize("warmup", [0, 100])
@pytest.mark.parametrize("at", [600, 1_300])
def test_a_schedule_that_begins_anew_on_resume(at: int, warmup: int) -> None:
    lr = rates(ss.warmup_cosine(1e-3, STEPS, warmup))
    [it] = found(np.concatenate([lr[:at], lr[: STEPS - at]]), STEPS)
    assert it.kind == "rate_restarts"
    assert dict(it.evidence)["step"] == pytest.approx(at, abs=1)
    assert dict(it.evidence)["before"] == pytest.approx(lr[at - 1])


def test_a_schedule_made_longer_on_resume_leaps() -> None:
    lr = rates(ss.cosine(1e-3, 0, STEPS)).copy()
    lr[:900] = rates(ss.cosine(1e-3, 0, 1_000))[:900]
    assert [it.kind for it in found(lr)] == ["rate_restarts"]


def test_one_restart_from_the_floor_is_a_cycle_unless_the_log_or_the_loss_shows_a_resume() -> None:
    lr = np.tile(rates(ss.cosine(1e-3, 0, 1_000), 1_000), 2)
    assert found(lr) == []
    leaps = learning(STEPS, noise=0.02)
    leaps[1_000:] *= 1.5
    assert [it.kind for it in rate_findings(trace(leaps, lr))] == ["rate_restarts"]
    steps = np.concatenate([np.arange(1_010), np.arange(1_000, STEPS)])
    resumed = Trace(lr=seen(np.concatenate([lr[:1_000], lr[:10] * 0, lr[1_000:]]), steps=steps))
    assert [it.kind for it in rate_findings(resumed)] == ["rate_restarts"]


@pytest.mark.parametrize("times", [2, 4, 8])
def test_a_decay_that_is_stepped_by_every_process(times: int) -> None:
    short = rates(ss.warmup_linear(1e-3, STEPS // times, 10), STEPS // times)
    [it] = found(np.append(short, np.zeros(STEPS - short.size)), STEPS)
    assert it.kind == "decays_too_early"
    assert dict(it.evidence)["times"] == times
    assert f"{times} times too fast" in it.message


def test_a_cosine_that_runs_on_past_its_end_swings_up_again() -> None:
    lr = 5e-4 * (1 + np.cos(np.pi * 4 * np.arange(STEPS) / STEPS))
    [it] = found(lr, STEPS)
    assert it.kind == "rises_after_end"
    assert dict(it.evidence)["times"] == pytest.approx(4, abs=0.1)


def test_a_decay_that_ends_early_and_one_that_rests_on_its_floor() -> None:
    [early] = found(np.append(rates(ss.cosine(1e-3, 0, 1_500), 1_500), np.zeros(500)), STEPS)
    assert early.kind == "decays_too_early"
    assert dict(early.evidence)["left"] == pytest.approx(0.25, abs=0.02)
    [tail] = found(np.append(rates(ss.cosine(1e-3, 1e-4, 1_300), 1_300), np.full(700, 1e-4)), STEPS)
    assert tail.kind == "flat_tail"
    assert "10 % of the peak" in tail.message


@pytest.mark.parametrize("make", [ss.cosine, ss.linear])
def test_a_rate_still_high_at_the_planned_end(make: object) -> None:
    lr = rates(make(1e-3, 0, 3 * STEPS))  # type: ignore[operator]
    [it] = found(lr, STEPS)
    assert it.kind == "decays_too_late"
    assert dict(it.evidence)["horizon"] == pytest.approx(3 * STEPS, rel=0.02)
    assert found(lr, 3 * STEPS) == [], "the same log is a checkpoint of a longer run"
    assert found(lr) == [], "a log that states no plan may be one"


def test_a_rate_still_high_is_seen_on_the_way() -> None:
    lr = rates(ss.linear(1e-3, 0, 3 * STEPS), STEPS)
    [it] = found(lr, int(1.2 * STEPS))
    assert it.kind == "decays_too_late"
    assert it.confidence == 0.8


def test_a_constant_rate_is_told_only_of_long_runs_that_ended() -> None:
    lr = np.full(1_000, 3e-4)
    [it] = found(lr, 50_000, every=50)
    assert it.kind == "never_decays"
    assert it.confidence <= 0.7
    assert "1 to 4 %" in it.advice
    assert found(lr, 1_000) == []
    assert found(lr, 500_000, every=50) == []


def test_a_rate_printed_zero() -> None:
    [it] = found(np.zeros(100))
    assert it.kind == "rate_zero"
    assert "too few digits" in it.message
    flat = list(rate_findings(trace(np.full(100, 2.3), np.zeros(100))))
    assert "nothing could be learned" in flat[0].message
    [it] = found(np.round(rates(ss.cosine(3e-4, 0, STEPS)), 4))
    assert it.kind == "rate_rounded"


def test_an_epoch_at_rate_zero() -> None:
    lr = rates(ss.linear(0, 1e-3, 3) >> ss.cosine(1e-3, 0, 27), 30)
    [it] = rate_findings(trace(learning(30), lr, clock="epoch", planned=30))
    assert it.kind == "zero_first_update"
    assert "epoch 0" in it.message


def test_a_plateau_rule_that_let_a_plateau_pass() -> None:
    loss = np.append(learning(40, noise=0), np.full(40, 1.2))
    it = trace(loss, np.full(80, 1e-3), clock="epoch", scheduler="reducelronplateau", planned=200)
    assert [finding.kind for finding in rate_findings(it)] == ["rule_never_fires"]
    cut = trace(loss, np.append(np.full(60, 1e-3), np.full(20, 1e-4)), clock="epoch", scheduler="reducelronplateau")
    assert list(rate_findings(cut)) == []


def test_the_scheduler_is_known_from_the_settings() -> None:
    run = Run({"lr": seen(np.full(80, 1e-3))}, settings={"lr_scheduler_type": "ReduceLROnPlateau"})
    assert trace_of(run).scheduler == "reducelronplateau"


numbers = st.floats(allow_nan=True, allow_infinity=True, width=64) | st.sampled_from(
    [0.0, 1.0, -1.0, 1e-3, 5e-324, 1e308]
)


@st.composite
def columns(draw: st.DrawFn) -> Column:
    values = draw(hnp.arrays(np.float64, st.integers(0, 130), elements=numbers, fill=numbers))
    gaps = draw(hnp.arrays(np.int64, values.size, elements=st.integers(-3, 2**40), fill=st.integers(0, 3)))
    return Column(np.cumsum(gaps), values, draw(st.sampled_from(["step", "epoch", "row"])))


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        Trace,
        **dict.fromkeys(("loss", "val_loss", "lr", "grad_norm", "update_ratio"), columns()),
        clock=st.sampled_from(["step", "epoch", "row"]),
        planned=st.integers(0, 2**50),
        rate=numbers,
        scheduler=st.sampled_from(["", "plateau"]),
    )
)
def test_no_record_however_odd_makes_a_check_fail(it: Trace) -> None:
    for check in (certain_findings, rate_findings, spike_findings, shape_findings):
        for finding in check(it):
            assert 0 < finding.confidence <= 1
            assert finding.message
            assert finding.advice
            assert all(math.isfinite(value) for _, value in finding.evidence)
            assert all(span.first <= span.last for span in finding.spans)


def test_a_length_is_planned_on_the_clock_it_counts():
    at, values = np.arange(5), np.ones(5)
    planned = {}
    for clock in ("step", "epoch", "row"):
        run = Run({"loss": Column(at, values, clock)}, steps=100, settings={"epochs": 9})
        planned[clock] = trace_of(run).planned
    assert planned == {"step": 100, "epoch": 9, "row": 0}
