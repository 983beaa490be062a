"""`stepsize diagnose --try`."""

import json
from pathlib import Path

import pytest

from stepsize.cli.main import run

LOG = "step,loss,lr\n" + "".join(f"{i},{3 * 0.999**i:.6f},0.0001\n" for i in range(400))
TRAINING = """
def training(seed):
    print("training")
    x, lr = 1.0 + seed / 100, (yield)
    while True:
        x -= lr * x
        lr = yield x * x
"""


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text(LOG)
    Path("train.py").write_text(TRAINING)

    def called(*arguments):
        try:
            code = run(["diagnose", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return called


def test_the_answer_stands_behind_the_diagnosis(command):
    code, out, err = command("log.csv", "--try", "train.py:training", "--steps", "1000")
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert "the rate is too low" in lines["experiment"]
    assert "Go on with 3e-4" in lines["experiment"]
    assert lines["cost"] == "0.90 full runs"
    assert "training" not in out.split("experiment")[0].splitlines()[0]  # what the user's code prints is talk
    assert "9 short runs" in err


def test_the_document_has_the_experiment(command):
    code, out, _ = command("log.csv", "--try", "train.py:training", "--steps", "1000", "--rate", "0.5", "--json")
    document = json.loads(out)
    assert (code, document["schema"]) == (0, "stepsize.diagnosis/1")
    assert document["experiment"]["rate"] == 0.5
    assert document["experiment"]["verdict"] in ("good", "too_low", "too_high", "undecided")


def test_what_is_missing_is_said(command):
    Path("other.csv").write_text(LOG)
    Path("bare.csv").write_text(LOG.replace("lr", "accuracy"))
    for arguments, word in (
        (("log.csv", "--try", "train.py:training"), "--steps"),
        (("log.csv", "other.csv", "--try", "train.py:training", "--steps", "9"), "one run"),
        (("bare.csv", "--try", "train.py:training", "--steps", "9"), "no learning rate"),
        (("log.csv", "--try", "train.py:nothing", "--steps", "9"), "nothing"),
    ):
        code, _, err = command(*arguments)
        assert code != 0
        assert word in err
