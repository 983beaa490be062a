"""The ledger: what is in it stays, and what is not a ledger is said to be none."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

import stepsize as ss
from stepsize.run.store import Ledger, delete
from tests.trainings import bowl


@pytest.fixture
def run() -> ss.Run:
    policy = ss.Policy(ss.warmup_cosine(0.05, 40, 4), "sgd", weight_decay=0.1)
    return ss.drive(bowl, policy, 40, seed=7)


def test_a_run_comes_back_as_it_was(run: ss.Run, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "study.db")
    ledger.append("key", run)
    ledger.close()
    (back,) = Ledger(tmp_path / "study.db", write=False).runs()
    for name in ("outcome", "reason", "policy", "steps", "seed", "settings", "seconds"):
        assert getattr(back, name) == getattr(run, name)
    assert back.columns.keys() == run.columns.keys()
    for name in run.columns:
        assert np.array_equal(back[name], run[name], equal_nan=True)


def test_a_diverged_run_keeps_its_last_losses(tmp_path: Path) -> None:
    lost = ss.drive(bowl, 100.0, 400)
    ledger = Ledger(None)
    ledger.append("key", lost)
    (back,) = ledger.runs()
    assert back.outcome == "diverged"
    assert np.array_equal(back.loss, lost.loss, equal_nan=True)


def test_others_read_while_one_writes(run: ss.Run, tmp_path: Path) -> None:
    writer, reader = Ledger(tmp_path / "study.db"), Ledger(tmp_path / "study.db", write=False)
    for i in range(3):
        writer.append(str(i), run)
        assert reader.count() == i + 1
    writer.close()


def test_only_one_writes(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "study.db")
    with pytest.raises(ss.EngineError, match="another process"):
        Ledger(tmp_path / "study.db")
    first.close()
    Ledger(tmp_path / "study.db").close()


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 4000], ids=len)
def test_a_damaged_file_is_said_to_be_one(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(content)
    with pytest.raises(ss.UnreadableRun, match=r"study\.db"):
        Ledger(path, write=False).runs()


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE precious (value)")
    foreign.commit()
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(ss.UnreadableRun, match="another program"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_ledger_cut_off_anywhere_is_refused_or_read_but_never_wrong(run: ss.Run, tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    ledger = Ledger(path)
    for i in range(4):
        ledger.append(str(i), run)
    ledger.close()
    whole = path.read_bytes()
    for size in range(0, len(whole), len(whole) // 16):
        path.write_bytes(whole[:size])
        try:
            runs = Ledger(path, write=False).runs()
        except ss.UnreadableRun:
            continue
        assert all(np.array_equal(back.loss, run.loss) for back in runs)


def test_what_cannot_be_written_is_one_clear_error(run: ss.Run, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "study.db")
    ledger.append("kept", run)
    pages = ledger._database.execute("PRAGMA page_count").fetchone()[0]
    ledger._database.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(ss.EngineError, match=r"full.*intact"):
        _append(ledger, run, times=100)
    assert ledger.find("kept") is not None
    ledger.close()


def _append(ledger: Ledger, run: ss.Run, times: int) -> None:
    for i in range(times):
        ledger.append(str(i), run)


def test_notes_are_replaced(tmp_path: Path) -> None:
    ledger = Ledger(None)
    assert ledger.note("order") is None
    ledger.write_note("order", {"a": 1})
    ledger.write_note("order", {"a": [2, None]})
    assert ledger.note("order") == {"a": [2, None]}


def test_a_deleted_ledger_leaves_nothing_of_its_content(run: ss.Run, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "study.db")
    ledger.append("key", run)
    ledger.close()
    delete(tmp_path / "study.db")
    assert Ledger(tmp_path / "study.db").count() == 0
