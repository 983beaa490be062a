"""What a diagnosis says in words."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsize.diagnosis import Diagnosis, words
from stepsize.diagnosis.deciding import proposals
from stepsize.finding import Finding, Span
from stepsize.run import Column, Run


def said(verdict: Any, confidence: float = 0.8, **changes: Any) -> Diagnosis:
    """A verdict on a run of 100 updates at a constant 0.03."""
    columns = {"loss": Column(np.arange(100), np.linspace(2, 1, 100))}
    rate = changes.pop("rate", 0.03)
    if rate is not None:
        columns["lr"] = Column(np.arange(100), np.full(100, rate))
    chances = changes.pop("chances", {"too_low": 0.1, "good": 0.1, "too_high": 0.8})
    run = Run(columns, source=changes.pop("source", "log.csv"), name=changes.pop("name", ""))
    return Diagnosis(verdict, confidence, chances, changes.pop("findings", ()), run, **changes)


@given(st.floats(0, 1))
def test_a_frequency_is_never_all_and_never_none(share: float) -> None:
    told = words.frequency(share)
    assert "100 times" not in told
    assert not told.startswith("0 ")
    times = re.match(r"(\d+) times in 100", told)
    assert times is None or abs(int(times[1]) - 100 * share) <= 1


@pytest.mark.parametrize(
    ("diagnosis", "sentence"),
    [
        (said("too_high", 0.97), "The learning rate of 0.03 is very likely too high."),
        (said("too_low", 0.75), "The learning rate of 0.03 is probably too low."),
        (said("good", 0.6), "The learning rate of 0.03 may be about right."),
        (said("good", 0.6, rate=None), "The learning rate may be about right."),
        (said("diverged", 1.0), "The training diverged at a learning rate of 0.03."),
        (said("undecided"), "This log does not decide whether the learning rate of 0.03 was right."),
    ],
)
def test_the_verdict_is_one_sentence(diagnosis: Diagnosis, sentence: str) -> None:
    assert words.verdict_sentence(diagnosis) == sentence
    assert str(diagnosis).startswith(sentence)


@pytest.mark.parametrize(
    ("diagnosis", "sentence"),
    [
        (said("too_high", suggestion=0.01), "Try a peak of 0.01, 3× lower."),
        (said("too_low", suggestion=0.3), "Try a peak of 0.3, 10× higher."),
        (said("too_high", suggestion=0.01, rate=None), "Try a peak of 0.01."),
        (said("good", suggestion=0.03), "Keep it."),
        (said("too_low"), "Try three times as much."),
        (said("undecided"), ""),
    ],
)
def test_the_advice_has_a_number(diagnosis: Diagnosis, sentence: str) -> None:
    assert words.advice(diagnosis) == sentence


def test_why_there_is_no_verdict() -> None:
    assert words.sureness(said("undecided", 0.0, chances={})) == "It holds too few values of the training loss."
    assert words.sureness(said("undecided", 0.97)).startswith("It holds too little of the run")
    assert words.sureness(said("diverged", 0.97)) == "Of trainings that end so, the rate was too high 97 times in 100."


def test_a_gain_is_told_unless_the_runs_that_it_was_measured_on_broke() -> None:
    assert "gained a further 31 % of what there was to learn" in words.advice(said("too_high", gain=0.31))
    assert "gained" not in words.advice(said("too_high", gain=1.0))


def test_how_sure_an_undecided_verdict_would_have_been() -> None:
    assert words.sureness(said("undecided", 0.58)) == (
        "The likeliest answer, too high, would be right only 58 times in 100 on runs like this."
    )
    assert words.odds(said("undecided")) == (
        "Of 100 runs like this the rate was too high 80 times, too low 10 times and about right 10 times."
    )


def test_experiments_are_commands_that_can_be_typed() -> None:
    diagnosis = said("undecided", source="my runs/log.csv", name="a b")
    by_hand, branches, search = proposals(diagnosis)
    assert (
        "50 updates, each with its whole schedule: at the same rate, at 0.09, three times as high, and at 0.01"
        in by_hand.words
    )
    assert branches.command == ("stepsize diagnose 'my runs/log.csv' --run 'a b' --try train.py:training --steps 100")
    assert search.command.startswith("stepsize tune --set lr=0.0003:0.3 --steps 100 -- python train.py --lr {lr}")
    assert proposals(said("diverged", 1.0)) == []
    assert [proposal.command for proposal in proposals(said("too_high", 0.97))] == [""]


def test_a_finding_says_where_and_how_sure() -> None:
    spans = (Span("loss", 10, 20, "jump"), Span("lr", 5, 5), Span("gone", 1, 2))
    finding = Finding("jump", "It jumped.", 0.9, evidence=(("before_it", 0.5),), spans=spans)
    told = words.places(finding, said("undecided").run)
    assert told == "loss, updates 10 to 20 (jump); lr, update 5; gone, updates 1 to 2"
    assert words.evidence(finding) == "before it 0.5"
    assert words.certainty(finding) == "Right 90 times in 100."
    assert words.certainty(Finding("nan", "NaN.")) == "Read off the log."
