"""`stepsize watch`: real commands and growing logs, passed on, judged, stopped and left in peace."""

import fcntl
import io
import json
import math
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepsize.cli import observing, relay
from stepsize.cli.following import SHARE, Following, Spool
from stepsize.cli.footer import Footer
from stepsize.cli.growing import Growing
from stepsize.cli.main import run
from stepsize.cli.panel import Panel
from stepsize.cli.relay import Relay, pour
from stepsize.cli.sparkline import curve
from stepsize.cli.watching import SHARES, Told, Watching
from stepsize.diagnosis import Diagnosis, diagnose
from stepsize.finding import Finding, Span
from stepsize.run import Column, Run
from tests.cli.conftest import Terminal
from tests.cli.test_live import Screen

# A training of a quadratic bowl by hand: above a rate of 2 it diverges, for certain and for real.
TRAIN = """
import json, math, os, sys, time
lr, steps, pause = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
x = 3.0
for step in range(steps):
    loss = 0.5 * x * x + 0.1 + 0.02 * math.sin(99 * step)
    print(json.dumps({"step": step, "loss": loss, "lr": lr}), flush=True)
    x -= lr * x if abs(x) < 1e200 else math.inf - math.inf
    time.sleep(pause)
"""


@dataclass(frozen=True)
class Done:
    """How a watch ended, and the bytes it left."""

    code: int
    out: bytes
    err: str

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> object:
    """Runs `stepsize watch` here, on real processes, in an empty folder with `train.py` in it."""
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["stepsize", "watch", *arguments])
        try:
            code = run(sys.argv[1:])
        except SystemExit as left:
            code = int(left.code or 0)
        out, err = capfdbinary.readouterr()
        return Done(code, out, err.decode())

    return call


Watched = Callable[..., Done]


def training(rate: float, steps: int = 200, pause: float = 0.004) -> list[str]:
    return ["--", sys.executable, "train.py", str(rate), str(steps), str(pause)]


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


# A command


def test_output_is_passed_on_to_the_byte(watched: Watched) -> None:
    noise = bytes(range(256)) * 500 + b"\rbar 1\rbar 2" + b"x" * 3_000_000 + b"no end of line"
    Path("noise").write_bytes(noise)
    code = "import os, sys; sys.stdout.buffer.write(open('noise','rb').read()); sys.stdout.flush(); os.write(2, b'e')"
    done = watched(*python(code))
    assert done.out == noise
    assert done.err.startswith("e")
    assert "no loss was found in what the command printed" in done.err
    assert done.code == 0


def test_the_verdict_is_said_at_shares_of_the_run_and_the_whole_diagnosis_at_its_end(watched: Watched) -> None:
    done = watched("--steps", "300", *training(0.1, 300, 0.007))
    assert done.code == 0
    assert [json.loads(line)["step"] for line in done.out.splitlines()] == list(range(300))
    said = [line for line in done.err.splitlines() if " step " in line and "/300 " in line]
    assert 1 <= len(said) <= 3
    assert 10 <= int(said[0].split("/300 ")[1].split(" ")[0]) < 60
    assert "\nverdict" in "\n" + done.err
    assert "run       " in done.err


def test_a_real_divergence_is_told_once_to_each_hook_and_stops_the_command(watched: Watched) -> None:
    hook = "cat >> told; echo $STEPSIZE_KIND >> kinds"
    done = watched("--steps", "2000", "--stop-on", "nan,diverged", "--on-finding", hook, *training(2.3, 2000, 0.004))
    assert done.code == 124
    assert "stepsize: stopped the command: " in done.err
    assert 20 <= len(done.out.splitlines()) < 2000
    kinds = Path("kinds").read_text().split()
    assert kinds
    assert len(kinds) == len(set(kinds)), "said more than once"
    assert {"nan", "diverged"} & set(kinds)
    told = [json.loads(line) for line in Path("told").read_text().splitlines()]
    assert [finding["kind"] for finding in told] == kinds
    assert "train.py 2.3" in told[0]["source"]


def test_json_is_one_line_an_event_and_the_command_talks_on_stderr(watched: Watched) -> None:
    done = watched("--json", "--steps", "150", "--fail-on", "nan", *training(25, 150, 0.006))
    assert done.code == 1, "the command ended well, but --fail-on was seen"
    assert {event["schema"] for event in done.events} == {"stepsize.watch/1"}
    assert done.events[-1]["event"] == "end"
    assert done.events[-1]["made"] == done.events[-1]["planned"] == 150
    (nan,) = [event for event in done.events if event["finding"] and event["finding"]["kind"] == "nan"]
    assert nan["event"] == "finding"
    assert str(nan["message"]).startswith("nan 1.00: The loss is ")
    assert done.err.count('"loss"') == 150


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["no-such-command"], 127),
        (["./train.py"], 126),
        ([sys.executable, "-c", "raise SystemExit(7)"], 7),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 137),
        ([sys.executable, "-c", "import os, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(5)"], 5),
    ],
)
def test_the_exit_code_is_that_of_the_command(watched: Watched, command: list[str], code: int) -> None:
    done = watched("--", *command)
    assert done.code == code
    assert done.out == b""


def test_options_of_the_command_are_its_own(watched: Watched) -> None:
    echo = "import sys; print(sys.argv[1:])"
    assert watched("-q", *python(echo), "--debug", "--json", "--", "-q").out == b"['--debug', '--json', '--', '-q']\n"


def test_what_it_leaves_behind_does_not_hold_us(watched: Watched) -> None:
    begun = time.monotonic()
    done = watched("--", "sh", "-c", "sleep 60 & echo $!; exit 4")
    os.kill(int(done.out), signal.SIGKILL)
    assert done.code == 4
    assert time.monotonic() < begun + 30


def test_a_command_that_does_not_listen_is_ended_with_all_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "GRACE", 0.3)
    code = "trap '' TERM; sleep 60 & echo $!; echo $$; while :; do sleep 0.1; done"
    stubborn = Relay(["sh", "-c", code], {"stdout": lambda chunk: None, "stderr": 2})
    printed = b""
    while printed.count(b"\n") < 2:
        printed += b"".join(chunk for _, chunk in stubborn.copies())
    stubborn.stop()
    deadline = time.monotonic() + 20
    while not stubborn.wait(0.05):
        assert time.monotonic() < deadline
    stubborn.drain()
    assert stubborn.code == 137
    for process in map(int, printed.split()):
        assert not alive(process)


def alive(process: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_a_fault_of_ours_does_not_take_the_training_along(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Run) -> Diagnosis:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(observing, "diagnose", broken)
    done = watched("--steps", "100", *training(0.1, 100, 0.006))
    assert done.code == 0
    assert len(done.out.splitlines()) == 100
    assert done.err.count("ZeroDivisionError: of ours") == 1


def test_a_log_that_the_command_writes_is_read_in_place_of_what_it_prints(watched: Watched) -> None:
    code = (
        "import time\nprint('step 1 loss nan')\nf = open('log.csv', 'w')\nf.write('step,loss,lr\\n')\n"
        "for i in range(60):\n    f.write(f'{i},{1/(i+1)},0.1\\n'); f.flush(); time.sleep(0.01)"
    )
    done = watched("--json", "--log", "log.csv", "--steps", "60", "-o", "page.html", *python(code))
    assert done.code == 0
    end = done.events[-1]
    assert (end["made"], end["planned"]) == (60, 60)
    assert not any(finding["kind"] == "nan" for finding in end["diagnosis"]["findings"])
    assert "<html" in Path("page.html").read_text()


def test_wrong_asks_are_said_before_anything_runs(watched: Watched) -> None:
    Path("kept").write_text("a run that took a week\n")
    for arguments, word in (
        (["--stop-on", "divergd"], "divergd"),
        (["--record", "kept"], "--force"),
        (["-o", "kept"], "--force"),
        (["-o", "nowhere/page.html"], "nowhere"),
        (["--steps", "-1"], "--steps"),
        (["--idle", "nan"], "--idle"),
    ):
        done = watched(*arguments, *python("open('ran', 'w')"))
        assert (done.code, Path("ran").exists()) == (2, False), arguments
        assert word in done.err
    for arguments in ([], ["a", "b"], ["nothing.csv"], ["--stop-on", "nan", "kept"]):
        assert watched(*arguments).code == 2
    assert Path("kept").read_text() == "a run that took a week\n"


def test_the_record_survives_a_kill(terminal: Terminal) -> None:
    (terminal.folder / "train.py").write_text(TRAIN)
    process = subprocess.Popen(
        terminal.command("watch", "--steps", "5000", "--record", "kept.jsonl", *training(0.1, 5000, 0.005)),
        cwd=terminal.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(terminal.folder)},
    )
    kept = terminal.folder / "kept.jsonl"
    deadline = time.monotonic() + 60
    while not kept.exists() or kept.read_bytes().count(b"\n") < 50:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    record = Run.read(kept)
    assert record.steps == 5000
    assert record.column("loss").step.tolist() == list(range(record.updates))
    assert record.updates > 40
    assert np.all(record["lr"] == 0.1)


def test_a_fault_in_drawing_does_not_end_what_is_passed_on(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Spool, copies: object, last: bool = False) -> None:
        raise MemoryError("of ours")

    monkeypatch.setattr(Spool, "feed", broken)
    with pytest.raises(MemoryError):
        watched(*python("import time; time.sleep(0.5); open('ended', 'w')"))
    assert Path("ended").exists()


# A log that grows


def test_a_growing_log_is_followed_to_its_end(watched: Watched) -> None:
    log, written = Path("log.jsonl"), []

    def write() -> None:
        deadline, left = time.monotonic() + 60, 50
        while left and time.monotonic() < deadline:
            left -= Path("told").exists()
            loss = 2.0 / (1 + len(written)) if len(written) < 100 else math.nan
            with log.open("a") as file:
                file.write(json.dumps({"step": len(written), "loss": loss}) + "\n")
            written.append(loss)
            time.sleep(0.003)

    log.touch()
    writer = threading.Thread(target=write)
    writer.start()
    arguments = ("--idle", "1", "--json", "--fail-on", "nan", "--record", "kept.jsonl", "--on-finding", "touch told")
    done = watched(str(log), *arguments)
    writer.join()
    assert done.code == 1
    kinds = [event["finding"]["kind"] for event in done.events if event["finding"]]
    assert kinds.count("nan") == 1
    nan = next(event for event in done.events if event["finding"])
    assert 100 < nan["made"] <= len(written) - 50, "said while the log grew"
    assert done.events[-1]["made"] == len(written)
    assert [event["event"] for event in done.events].count("end") == 1
    np.testing.assert_array_equal(Run.read("kept.jsonl")["loss"], written)


def test_a_log_at_its_planned_end_is_not_waited_for(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepsize.cli.attending.LAST_ROWS", 0.2)
    Path("log.csv").write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(100)))
    begun = time.monotonic()
    done = watched("log.csv", "--steps", "100", "--idle", "100")
    assert done.code == 0
    assert done.out.decode().startswith("verdict") or "verdict" in done.out.decode()
    assert time.monotonic() < begun + 60


def test_once_says_what_a_log_shows_now(watched: Watched) -> None:
    Path("log.csv").write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(50)))
    done = watched("log.csv", "--once", "--steps", "1000", "--json")
    (end,) = [event for event in done.events if event["event"] == "end"]
    assert (end["made"], end["planned"], end["share"]) == (50, 1000, 0.05)
    Path("empty.csv").write_text("")
    assert watched("empty.csv", "--once").code == 2


def test_a_log_is_read_again_only_when_it_has_grown_and_at_most_so_often(tmp_path: Path) -> None:
    now = 0.0
    log = tmp_path / "log.csv"
    following = Following(log, clock=lambda: now, work=lambda: now)
    assert following.look() is None
    log.write_text("step,loss\n0,1\n1,0.5\n")
    assert following.look() is None, "too soon"
    now = 10.0
    seen = following.look()
    assert seen is not None
    assert seen.updates == 2
    now = 20.0
    assert following.look() is None, "nothing new"
    log.write_text("step,loss\n0,1\n1,0.5\n2,0.25\n")
    now = 21.0
    assert following.look() is not None
    now = 23.0
    following.worked()  # two seconds for one look
    log.write_text("step,loss\n0,1\n1,0.5\n2,0.25\n3,0.1\n")
    now = 23.0 + 2 / SHARE - 0.1
    assert following.look() is None, "reading takes more than its share"
    now += 0.2
    seen = following.look()
    assert seen is not None
    assert seen.updates == 4


def text_line(step: int) -> str:
    return f"step {step}/5000 loss {2 / (1 + step):.5f} lr {1e-3 * (1 - step / 5000):.3e} 3.1 it/s\n"


def json_line(step: int) -> str:
    return json.dumps({"step": step, "loss": 2 / (1 + step), "lr": 1e-3, "text": "x"}) + "\n"


def csv_line(step: int) -> str:
    return f"{step},{2 / (1 + step)},0.001\n"


@pytest.mark.parametrize(
    ("line", "header"),
    [(text_line, "Loading data\n" * 50), (json_line, ""), (csv_line, "step,loss,lr\n")],
    ids=["text", "json", "csv"],
)
def test_new_lines_alone_are_read_as_they_are_with_the_rest(
    tmp_path: Path, line: Callable[[int], str], header: str
) -> None:
    worked = iter(range(10**6))  # reading all of it takes a second, which is not cheap
    log, made = tmp_path / "log", 0
    growing = Growing(log, clock=lambda: 0.0, work=lambda: next(worked))
    log.write_text(header)
    pieces, wholes = (40, 3, 1, 200, 7, 500, 1, 1), 0
    for piece in pieces:
        with log.open("a") as file:
            file.write("".join(map(line, range(made, made + piece))) + line(made + piece)[:5])
        made += piece
        seen = growing.read()
        wholes += growing.spent > 0
        assert seen is not None
        assert seen.column("loss").step.tolist()[:made] == list(range(made))
        with log.open("r+") as file:  # what was half written is written anew
            file.truncate(log.stat().st_size - 5)
    assert wholes < len(pieces)
    whole, seen = Run.read(log), growing.read(last=True)
    assert seen is not None
    for name, column in whole.columns.items():
        np.testing.assert_array_equal(seen[name], column.value)


def test_a_log_that_begins_anew_is_read_anew(tmp_path: Path) -> None:
    now = 0.0
    log = tmp_path / "log.csv"
    growing = Growing(log, clock=lambda: now)
    for rows in (range(100), range(3), range(50, 90)):
        log.write_text("step,loss\n" + "".join(f"{step},{step / 7}\n" for step in rows))
        now += 1000.0
        seen = growing.read()
        assert seen is not None
        assert seen.column("loss").step.tolist() == list(rows)


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(1, 7))
def test_a_spool_has_the_lines_however_they_come(lines: list[bytes], size: int) -> None:
    text = b"\n".join(lines)
    with Spool() as whole, Spool() as parts:
        whole.feed([("stdout", text)], last=True)
        parts.feed([("stdout", text[at : at + size]) for at in range(0, len(text), size)], last=True)
        assert whole.path.read_bytes() == parts.path.read_bytes()
        assert b"\0" not in whole.path.read_bytes()
        whole.path.read_text(encoding="utf-8")


# When to speak


def judged(length: int, planned: int, *findings: Finding) -> Diagnosis:
    columns = {"loss": Column(np.arange(length), np.ones(length))}
    return Diagnosis("undecided", 0.0, {}, findings, Run(columns, steps=planned))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.sampled_from([0, 400, 1000]))
def test_each_finding_and_each_share_is_said_once(looks: list[int], planned: int) -> None:
    watching = Watching()
    spoken = [
        event
        for length in sorted(looks)
        for event in watching.look(judged(length, planned, Finding("nan", "It is."), Finding("never_decays", "Ever.")))
    ]
    ended = list(watching.end(judged(max(looks), planned, Finding("never_decays", "Ever."))))
    kinds = [event.finding.kind for event in (*spoken, *ended) if event.finding]
    assert sorted(kinds) == ["nan", "never_decays"]
    verdicts = [event for event in spoken if event.finding is None]
    assert all(event.made >= (0.1 * planned or 100) for event in verdicts)
    passed = sum(any(length >= share * planned for length in looks) for share in SHARES) if planned else 3
    assert len(verdicts) <= passed
    early = [event for event in spoken if event.finding and event.finding.kind == "never_decays"]
    assert all(planned and event.share >= 0.1 for event in early), "a judgement of the whole before its length is known"
    assert [event.kind for event in ended][-1] == "end"


def test_spikes_are_said_again_when_they_are_twice_as_many() -> None:
    watching, said = Watching(), []
    for count in (1, 1, 2, 3, 4, 7, 8, 9):
        spikes = Finding("loss_spikes", f"{count}", spans=tuple(Span("loss", at, at) for at in range(count)))
        said += [event.finding.message for event in watching.look(judged(50, 1000, spikes)) if event.finding]
    assert said == ["1", "2", "4", "8"]


def test_of_a_run_cut_short_only_what_holds_for_its_part_is_said() -> None:
    findings = (Finding("never_decays", "It never decays."), Finding("unrecovered_jump", "It jumped."))
    (jump, end) = Watching().end(judged(50, 0, *findings), whole=False)
    assert jump.finding is not None
    assert jump.finding.kind == "unrecovered_jump"
    assert [finding.kind for finding in end.diagnosis.findings] == ["unrecovered_jump"]
    assert len(list(Watching().end(judged(50, 0, *findings)))) == 3


def test_rows_that_were_told_are_not_told_again() -> None:
    told = Told()
    columns = {"loss": Column(np.array([0, 1]), np.array([2.0, 1.0])), "lr": Column(np.array([0]), np.array([0.1]))}
    assert told.rows(columns) == [{"step": 0, "loss": 2.0, "lr": 0.1}, {"step": 1, "loss": 1.0}]
    assert told.rows(columns) == []
    columns["loss"] = Column(np.array([0, 1, 5]), np.array([2.0, 1.0, 0.5]))
    assert told.rows(columns) == [{"step": 5, "loss": 0.5}]


# A terminal


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60),
    st.integers(1, 40),
    st.integers(1, 6),
    st.booleans(),
)
def test_a_curve_has_its_size_whatever_is_in_it(values: list[float], width: int, height: int, ascii_only: bool) -> None:
    place = np.linspace(0, 1, len(values))
    rows = curve(place, np.clip(np.array(values), -1e300, 1e300), width, height, ascii_only)
    assert [len(row) for row in rows] == [width] * height
    assert all(row.isascii() for row in rows) == ascii_only


def test_a_curve_falls_from_the_upper_left_and_keeps_its_spike() -> None:
    value = np.linspace(1, 0, 1000)
    value[500] = 1.0
    top, *_, bottom = curve(np.linspace(0, 1, 1000), value, 20, 4, ascii_only=True)
    assert top.index("|" if "|" in top[:2] else top[0]) == 0
    assert top[10] != " ", "the spike is lost"
    assert bottom.strip()
    assert bottom[0] == " "


@pytest.mark.parametrize("size", [(200, 12), (80, 8), (40, 4), (20, 2), (10, 1)])
def test_the_panel_fits(size: tuple[int, int]) -> None:
    panel = Panel("python train.py --with a --very long --command line", clock=iter(range(100)).__next__)
    run = Run(
        {name: Column(np.arange(500), np.geomspace(1, 0.01, 500)) for name in ("loss", "lr", "val_loss")}, steps=900
    )
    watching = Watching()
    for event in watching.look(replace(diagnose(run), findings=(Finding("nan", "A sentence of some length. " * 9),))):
        panel.told(event)
    panel.seen(run)
    width, height = size
    lines = [text.plain for text in panel.lines(width, height, ascii_only=False)]
    assert 0 < len(lines) <= height
    assert all(len(line) <= width for line in lines)


class Glass(io.BytesIO):
    """A terminal of a size that somebody else sets."""

    def __init__(self, lines: int, columns: int) -> None:
        super().__init__()
        self.size = lines, columns
        self.screen = pyte.HistoryScreen(columns, lines, history=500)
        self.stream = pyte.ByteStream(self.screen)

    def pour(self, chunk: bytes) -> None:
        self.stream.feed(chunk)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]


def test_a_footer_stays_below_whatever_is_printed() -> None:
    glass = Glass(10, 40)
    glass.pour(b"\r\n" * 9 + b"$ stepsize watch\r\n")
    footer = Footer(glass.pour, lambda: glass.size, 3)
    footer.open()
    assert footer.above == (7, 40)
    for number in range(30):
        footer.write(f"line {number}\r\n".encode())
        footer.draw(["----", f"step {number}", "lr"])
    assert glass.lines[-3:] == ["----", "step 29", "lr"]
    assert glass.lines[:7] == [*(f"line {number}" for number in range(24, 30)), ""]
    footer.write(b"\x1b[3")  # the beginning of a colour
    footer.draw(["torn"])
    footer.write(b"1mred\r")
    footer.write(b"bar 50 %")
    footer.draw(["----", "step 30", "lr"])
    footer.write(b"\rbar 99 %")
    assert glass.lines[6] == "bar 99 %"
    assert glass.lines[-2] == "step 30"
    assert not any("torn" in line for line in glass.lines)
    footer.close()
    assert glass.lines[6:] == ["bar 99 %", "", "", ""]
    assert glass.screen.margins in (None, pyte.screens.Margins(0, 9))
    assert (glass.screen.cursor.y, glass.screen.cursor.x) == (7, 0)


@pytest.fixture
def on_screen(terminal: Terminal) -> Iterator[Callable[..., Screen]]:
    """Starts a command in a terminal of 100 by 30."""
    (terminal.folder / "train.py").write_text(TRAIN)
    opened: list[Screen] = []

    def start(*arguments: str, lines: int = 30) -> Screen:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 100, 0, 0))
        unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE")
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        environ = {**inherited, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
        # Where the tests run in the background Ctrl-C is ignored, and that would be inherited.
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            terminal.command(*arguments), cwd=terminal.folder, stdin=slave, stdout=slave, stderr=slave, env=environ
        )
        signal.signal(signal.SIGINT, ours)
        os.close(slave)
        opened.append(Screen(process, master, pyte.HistoryScreen(100, lines, history=3000)))
        return opened[-1]

    yield start
    for screen in opened:
        screen.process.kill()
        screen.process.wait()
        os.close(screen.master)


def test_a_terminal_has_the_output_above_and_the_run_below(on_screen: Callable[..., Screen]) -> None:
    screen = on_screen("watch", "--steps", "400", *training(2.2, 400, 0.01))
    screen.until(lambda text: "about" in text and "diverged: " in text)
    *_, rule, head, loss = (
        line for line in screen.emulator.display if line.startswith(("─", "stepsize watch", "loss"))
    )
    assert set(rule.rstrip()) == {"─"}
    assert "/400 " in head
    assert " left" in head
    assert any(0x2800 < ord(char) < 0x2900 for char in loss)
    above = screen.emulator.display[: screen.emulator.display.index(rule)]
    assert all(line.startswith('{"step"') for line in above[:-1])
    assert screen.end() == 0
    after = screen.text
    assert screen.emulator.margins in (None, pyte.screens.Margins(0, 29))
    assert "stepsize watch" not in after, "the panel was left behind"
    assert after.count('{"step": ') == 400
    assert after.index('{"step": 399') < after.index("verdict")
    assert not screen.emulator.cursor.hidden


def test_ctrl_c_goes_to_the_command_and_the_verdict_is_said(on_screen: Callable[..., Screen]) -> None:
    code = (
        "import time, sys\nprint(sys.stdout.isatty())\ntry:\n    for i in range(10**6):\n"
        "        print(f'step {i} loss {1 / (i + 1):.6f}'); time.sleep(0.01)\n"
        "except KeyboardInterrupt:\n    print('checkpoint saved'); sys.exit(9)"
    )
    screen = on_screen("watch", "--steps", "1000000", *python(code))
    screen.until(lambda text: "step 3" in text and "stepsize watch" in text)
    assert screen.press_ctrl_c() == 9
    text = screen.text
    assert "True" in text
    assert text.count("checkpoint saved") == 1
    assert text.index("checkpoint saved") < text.index("verdict")
    assert screen.emulator.margins in (None, pyte.screens.Margins(0, 29))


def test_a_log_on_a_terminal_is_a_panel_until_ctrl_c(on_screen: Callable[..., Screen], terminal: Terminal) -> None:
    log = terminal.folder / "log.csv"
    log.write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in range(60)))
    screen = on_screen("watch", "log.csv", "--steps", "100")
    screen.until(lambda text: "step 60/100 60 %" in text and "loss 0.01667" in text)
    with log.open("a") as file:
        file.write("".join(f"{i},nan\n" for i in range(60, 80)))
    screen.until(lambda text: "step 80/100" in text and "nan: " in text)
    assert screen.press_ctrl_c() == 0
    assert "verdict" in screen.text
    assert not screen.emulator.cursor.hidden


def test_a_low_terminal_gets_lines(on_screen: Callable[..., Screen]) -> None:
    screen = on_screen("watch", "--steps", "100", *training(0.1, 100, 0.01), lines=8)
    assert screen.end() == 0
    assert "stepsize watch" not in screen.text
    assert "/100 " in screen.text


def test_pouring_takes_a_slow_reader_as_it_is() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    chunk, taken = os.urandom(2**20), []
    poured = threading.Thread(target=lambda: (pour(writer)(chunk), os.close(writer)))
    poured.start()
    while block := os.read(reader, 2**14):
        taken.append(block)
    poured.join()
    os.close(reader)
    assert b"".join(taken) == chunk
