"""Findings beside a verdict: the grave ones first, and no advice against it."""

import numpy as np
import pytest

import stepsize as ss
from stepsize.diagnosis.agreeing import ADVICE, agreeing
from stepsize.diagnosis.kinds import FINDINGS, VERDICTS
from stepsize.diagnosis.words import hundredths
from stepsize.finding import Finding
from stepsize.run import Column


def test_every_advice_is_for_a_verdict_and_a_finding_that_there_are():
    assert set(ADVICE) <= VERDICTS
    assert {kind for kinds in ADVICE.values() for kind in kinds} <= FINDINGS


def test_the_grave_come_first_and_remarks_last():
    found = [Finding(kind, "", advice="as it was") for kind in ("never_decays", "loss_spikes", "nan", "overfitting")]
    told = agreeing(found, "undecided", None, 0.1)
    assert [finding.kind for finding in told] == ["nan", "loss_spikes", "overfitting", "never_decays"]
    assert {finding.advice for finding in told} == {"as it was"}


@pytest.mark.parametrize("verdict", ["too_low", "good"])
def test_no_finding_advises_a_lower_rate_where_the_verdict_does_not(verdict):
    kinds = ("loss_spikes", "oscillation")
    for finding in agreeing([Finding(kind, "", advice="Try half the rate.") for kind in kinds], verdict, None, 0.1):
        assert "Try" not in finding.advice
        assert "the rate itself looks" in finding.advice


def test_a_level_loss_at_a_rate_far_too_low_is_advised_the_higher_rate():
    steps, dice = np.arange(400), np.random.default_rng(0)
    falling = 0.7 * np.exp(-steps / 40) + 1
    columns = {
        "loss": Column(steps, falling + dice.normal(0, 0.01, 400)),
        "val_loss": Column(steps[::16], falling[::16]),
        "lr": Column(steps, np.full(400, 1e-6)),
    }
    found = ss.diagnose(ss.Run(columns, steps=400, settings={"optimizer": "adamw"}))
    assert found.verdict == "too_low"
    (plateau,) = (finding for finding in found.findings if finding.kind == "plateau")
    assert plateau.advice.startswith("Try the higher rate first")


@pytest.mark.parametrize("shares", [(0.9349, 0.063, 0.0021), (0.986, 0.007, 0.007), (1 / 3, 1 / 3, 1 / 3), (1, 0, 0)])
def test_odds_are_counted_of_a_hundred_and_the_first_agrees_with_the_verdict(shares):
    counts = hundredths(shares)
    assert sum(counts) == 100
    assert counts[0] == round(100 * shares[0])
    assert all(abs(count - 100 * share) <= 1 for count, share in zip(counts, shares, strict=True))
