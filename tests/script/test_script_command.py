"""A command with placeholders: filled as it was written, refused before anything runs."""

import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.script import Script
from stepsize.script.command import environment, filled

PY = sys.executable


@pytest.mark.parametrize(
    ("word", "becomes"),
    [
        ("{lr}", "0.001"),
        ("--lr={lr},{lr}", "--lr=0.001,0.001"),
        ("{batch-size}{optim.name}", "32adam"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ("{print $1}", "{print $1}"),
        ("{{lr}}", "{lr}"),
        ("{{{lr}}}", "{{lr}}"),
        ("{}", "{}"),
        ("$(rm -rf /); {lr}'\"", "$(rm -rf /); 0.001'\""),
    ],
)
def test_only_placeholders_are_replaced(word, becomes):
    assert filled(word, {"lr": 1e-3, "batch-size": 32, "optim.name": "adam"}) == becomes


@given(st.floats(allow_nan=False))
def test_a_number_arrives_as_it_was(value):
    assert float(filled("{lr}", {"lr": value})) == value


def test_words_reach_the_program_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["two words", "'\"$HOME`", "", "*", "{lr}", "ümlaut"]
    code = """import sys, json; open("words", "w").write(json.dumps(sys.argv[1:])); print('{"loss": 1}')"""
    ss.drive(Script([PY, "-c", code, *words]), 0.5, steps=1)
    assert json.loads((tmp_path / "words").read_text()) == [*words[:4], "0.5", "ümlaut"]


def test_the_environment_carries_the_values_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEPSIZE_REQUIRE_BROWSER", raising=False)  # of these tests, not of a script
    code = """import os, json
open("seen", "w").write(json.dumps({k: v for k, v in os.environ.items() if k.startswith("STEPSIZE")}))
print('{"loss": 1}')"""
    made = Script([PY, "-c", code], environment=True)
    ss.drive(made, 0.5, steps=7, seed=3, settings={"batch-size": 32, "name": "x y"})
    out = str(tmp_path / "runs" / "1")
    assert json.loads((tmp_path / "seen").read_text()) == {
        "STEPSIZE_LR": "0.5",
        "STEPSIZE_STEPS": "7",
        "STEPSIZE_SEED": "3",
        "STEPSIZE_OUT": out,
        "STEPSIZE_BATCH_SIZE": "32",
        "STEPSIZE_NAME": "x y",
        "STEPSIZE_METRICS": out + "/stepsize.jsonl",
    }


REFUSED = {
    "nothing": ([], [], "empty"),
    "no program": (["no-such-program", "{lr}"], [], "no program 'no-such-program'"),
    "quoted as a whole": (["python train.py --lr {lr}"], [], "leave out the quotes"),
    "no rate": ([PY, "train.py"], [], "does not use lr: put {lr} where it goes, or add --env"),
    "unknown placeholder": ([PY, "{lr}", "{width}"], [], "asks for {width}, which nothing sets: add --set width="),
    "unused setting": ([PY, "{lr}"], ["width"], "does not use width"),
    "given anyway": ([PY, "{lr}", "{seed}"], ["seed"], "seed cannot be set"),
    "the file of reports": ([PY, "{lr}", "{metrics}"], ["metrics"], "metrics cannot be set"),
    "a word of ours": ([PY, "{lr}", "{warmup}"], ["warmup"], "call that of the script my_warmup"),
    "one variable": ([PY, "{lr}", "{a-b}", "{a_b}"], ["a-b", "a_b"], "would both be STEPSIZE_A_B"),
}


@pytest.mark.parametrize(("words", "settings", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_run_is_refused_before_anything_runs(words, settings, says):
    with pytest.raises(ss.InvalidTraining) as refused:
        Script(words).check(settings)
    assert says in str(refused.value)


def test_a_file_that_may_not_be_executed_is_told_how_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    with pytest.raises(ss.InvalidTraining, match=r"-- python \./train\.py"):
        Script(["./train.py", "{lr}"])


@pytest.mark.parametrize("options", [{"metrics": "log.csv"}, {"timeout": 0}, {"timeout": float("nan")}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ss.InvalidTraining, match=next(iter(options))):
        Script([PY, "{lr}"], **options)


def test_a_variable_in_the_words_counts_as_a_use():
    made = Script(["sh", "-c", "train $STEPSIZE_LR ${STEPSIZE_WIDTH}"])
    made.check(["width"])
    with pytest.raises(ss.InvalidTraining, match="does not use wid:"):
        made.check(["wid"])
    assert made.line(lr=0.1, width=3).startswith("STEPSIZE_LR=0.1 STEPSIZE_WIDTH=3 sh -c 'train ")


def test_a_word_that_asks_for_an_absent_setting_is_left_out():
    made = Script([PY, "{lr}", "--beta={beta}", "--rule={rule}"], optional=["beta"])
    made.check(["rule"])
    assert made.words(lr=1.0, rule="sgd")[1:] == ["1.0", "--rule=sgd"]
    assert made.words(lr=1.0, rule="adam", beta=0.9)[1:] == ["1.0", "--beta=0.9", "--rule=adam"]
    with pytest.raises(ss.InvalidTraining, match=r"asks for \{rule\}; give its value"):
        made.words(lr=1.0)


def test_the_line_can_be_typed():
    assert Script([PY, "a b.py", "--lr", "{lr}"]).line(lr=1e-3).endswith(" 'a b.py' --lr 0.001")
    assert Script("sh train.sh", environment=True).line(lr=1e-3, name="x y") == (
        "STEPSIZE_LR=0.001 STEPSIZE_NAME='x y' sh train.sh"
    )


@given(st.dictionaries(st.from_regex(r"[a-z][a-z_.-]{0,5}", fullmatch=True), st.integers() | st.text()))
def test_variables_have_names_that_any_shell_takes(values):
    assert all(name.isidentifier() and name.isupper() for name in environment(values))


def test_a_text_is_split_into_words_but_no_shell_runs_it():
    assert Script(f"{PY} -c 'print(1)' {{lr}} $HOME").command == (PY, "-c", "print(1)", "{lr}", "$HOME")
    assert os.environ["HOME"] not in Script("echo {lr} $HOME").words(lr=1.0)
