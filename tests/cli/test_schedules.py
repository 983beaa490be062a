"""Schedules on the command line: shown, checked, compared, taken from other libraries; a cooldown asked for."""

import json

import pytest

import stepsize as ss
from stepsize.request import read_request
from tests.cli.conftest import Terminal


def test_a_schedule_of_another_library_is_shown_by_its_own_arguments(terminal: Terminal) -> None:
    done = terminal("show", "compat:torch:CosineAnnealingLR", "base_lr=1e-3", "T_max=10", "--steps", "10", "--json")
    document = json.loads(done.stdout)
    climbing = ss.compat("torch:CosineAnnealingLR", base_lr=1e-3, T_max=10)
    assert document["curve"] == [[k, climbing(k)] for k in range(11)]
    assert [finding["kind"] for finding in document["check"]] == ["rises_after_end"]
    word = terminal("show", "compat:torch:OneCycleLR", "max_lr=0.1", "total_steps=50", "anneal_strategy=linear")
    assert word.returncode == 0, word.stderr


def test_two_schedules_are_told_apart(terminal: Terminal) -> None:
    new, old = "warmup_cosine(1.0, 100, 10)", "warmup_linear(1.0, 100, 10)"
    done = terminal("show", new, "--against", old, "-o", "page.html")
    assert done.stdout.splitlines()[1:3] == ["- linear(1.0, 0.0, 90)", "+ cosine(1.0, 0.0, 90)"]
    assert "values differ from update 11 on" in done.stdout
    assert "values differ from update 11 on" in (terminal.folder / "page.html").read_text(encoding="utf-8")
    document = json.loads(terminal("show", new, "--against", new, "--json").stdout)
    assert "the same" in document["difference"]["summary"]


def test_durations_are_put_over_the_steps_given(terminal: Terminal) -> None:
    plan = "wsd(1.0, '100%', '10%', '20%')"
    assert "constant(1.0, 70)" in terminal("show", plan, "--steps", "100").stdout
    assert "constant(1.0, 70)" in terminal("show", "wsd(1.0, 100, 10, 20)", "--against", plan, "--steps", "100").stdout
    refused = terminal("show", plan)
    assert refused.returncode == 2
    assert "give --steps" in refused.stderr


def test_what_a_check_finds_is_printed(terminal: Terminal) -> None:
    assert "Update 0 has rate 0" in terminal("show", "linear(0, 1, 4) >> linear(1, 0, 6)").stdout


def test_a_policy_is_checked_for_the_steps_given_too(terminal: Terminal) -> None:
    ss.Policy(ss.warmup_cosine(1.0, 100, 10), "adamw").save(terminal.folder / "policy.json")
    assert "check" not in terminal("show", "policy.json").stdout
    done = terminal("show", "policy.json", "--steps", "500", "-o", "page.html")
    assert "The decay ends at update 100 of 500" in done.stdout
    assert "The decay ends at update 100 of 500" in (terminal.folder / "page.html").read_text(encoding="utf-8")


def test_a_schedule_of_arrays_is_shown(terminal: Terminal) -> None:
    done = terminal("show", "cosine((1.0, 2.0), 0, 10)", "-o", "page.html")
    assert "first     1 2" in done.stdout, done.stderr
    assert "highest   2" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("compat:torch:CosinAnnealingLR",), "CosineAnnealingLR"),
        (("compat:torch:StepLR", "gama=0.1"), "gama"),
        (("compat:torch:StepLR", "0.1"), "name=value, got '0.1'"),
        (("linear(0, 1, 4)", "gamma=2"), "only compat:LIBRARY:NAME takes arguments"),
        (("linear(0, 1, 4)", "--against", "nothing.json"), "no file 'nothing.json'"),
    ],
)
def test_a_slip_of_the_keyboard_is_one_line(terminal: Terminal, arguments: tuple[str, ...], says: str) -> None:
    done = terminal("show", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr


def test_a_cooldown_is_asked_for_by_a_file(terminal: Terminal) -> None:
    asked = ("cooldown", "decay.json", "--steps", "1000", "--end", "1e-5", "--at", "5000")
    assert terminal(*asked).returncode == 0
    request = read_request(terminal.folder / "decay.json")
    assert (request.steps, request.end, request.shape, request.at) == (1000, 1e-5, "1-sqrt", 5000)
    assert terminal(*asked).returncode == 2, "an earlier request is not overwritten unasked"
    assert json.loads(terminal(*asked, "--force", "--json").stdout)["cooldown"] == 1000
    assert "shape must be one of" in terminal("cooldown", "other.json", "--steps", "9", "--shape", "round").stderr
