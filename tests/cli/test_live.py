"""A search as a person sees it: on a terminal of any size, with or without colours, to the end or to Ctrl-C."""

import fcntl
import io
import math
import os
import pty
import random
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stepsize.cli.board import Board
from stepsize.cli.live import SHARE, LiveView, view
from stepsize.cli.progress import SearchLines
from stepsize.cli.remaining import in_words, seconds_left
from stepsize.cli.scatter import GLYPHS, Mark, horizon, picture
from stepsize.tuner.plan import Result
from stepsize.tuner.trial import Trial
from tests.cli.conftest import Terminal

FULL = 100
# Each update takes long enough that the search can be looked at, until it is told to go.
SLOW = """
import os, time
from t import bowl
def training(seed, weight_decay=0.0):
    inner, lr = bowl(seed, weight_decay), None
    next(inner)
    lr = yield
    while True:
        os.path.exists("go") or time.sleep(0.003)
        lr = yield inner.send(lr)
def loud(seed):
    print(f"seed {seed} from the training")
    yield from training(seed)
"""


def trial(rate: float = -1.0, steps: int = FULL, **settings: object) -> Trial:
    return Trial(rate, steps, 0, tuple(settings.items()))


def result(of: Trial, loss: float = 0.5) -> Result:
    return Result(of, loss, 1.0, of.steps / FULL)


@dataclass
class Clock:
    """A clock that somebody else moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def made(board: Board, of: Trial, clock: Clock, pace: float, until: int | None = None) -> None:
    """A run of which each update takes `pace` seconds; of all its updates, it ends."""
    for step in range(until or of.steps):
        clock.now += pace
        board.seen(of, step, clock.now)
    if until is None:
        board.ended(result(of), "loss", False, clock.now)


# The time left


def test_the_time_left_is_that_of_the_budget_at_the_speed_seen() -> None:
    board, clock = Board(4, FULL), Clock()
    assert seconds_left(board, clock.now) is None
    made(board, trial(), clock, 0.5)
    left = seconds_left(board, clock.now)
    assert left == pytest.approx(3 * FULL * 0.5, rel=0.02)
    made(board, trial(), clock, 0.5, until=50)
    left = seconds_left(board, clock.now)
    assert left == pytest.approx(2.5 * FULL * 0.5, rel=0.02)


def test_runs_side_by_side_take_less_time() -> None:
    board, clock = Board(8, FULL), Clock()
    four = [trial(-1 - place) for place in range(4)]
    for step in range(FULL):
        clock.now += 0.5
        for one in four:
            board.seen(one, step, clock.now)
    for one in four:
        board.ended(result(one), "loss", False, clock.now)
    assert seconds_left(board, clock.now) == pytest.approx(4 * FULL * 0.5 / 4, rel=0.02)
    # Alone at work, a run takes its own time, however many there were before.
    made(board, trial(-3), clock, 0.5, until=1)
    left = seconds_left(board, clock.now)
    assert left is not None
    assert left >= 0.98 * FULL * 0.5


def test_the_rest_is_counted_at_the_speed_of_the_best_settings() -> None:
    board, clock = Board(6, FULL), Clock()
    for seconds, width, loss in ((1.0, 512, 0.3), (0.1, 16, 0.9), (0.1, 16, 0.8), (0.1, 16, 0.7)):
        one = trial(-loss, width=width)
        made(board, one, clock, seconds, until=FULL)
        board.ended(result(one, loss), "loss", False, clock.now)
    assert seconds_left(board, clock.now) == pytest.approx(2 * FULL * 1.0, rel=0.02)


def test_runs_from_before_cost_budget_and_say_nothing_of_speed() -> None:
    board = Board(4, FULL)
    for rate in (-1.0, -2.0):
        board.ended(result(trial(rate)), "loss", True, 0.001)
    assert board.spent == 2
    assert seconds_left(board, 0.002) is None
    clock = Clock(0.002)
    made(board, trial(-3), clock, 0.5)
    assert seconds_left(board, clock.now) == pytest.approx(1 * FULL * 0.5, rel=0.02)


def test_one_odd_run_does_not_spoil_the_estimate() -> None:
    board, clock = Board(10, FULL), Clock()
    for rate, pace in ((-1, 20.0), (-2, 0.5), (-3, 0.5), (-4, 0.5), (-5, 0.5)):
        made(board, trial(rate), clock, pace)
    assert seconds_left(board, clock.now) == pytest.approx(5 * FULL * 0.5, rel=0.02)


def test_an_engine_that_leaves_out_updates_or_begins_again_is_understood() -> None:
    board, clock = Board(4, FULL), Clock()
    one = trial()
    clock.now = 50.0
    board.ended(result(one), "loss", False, clock.now)  # of which nothing was heard before
    assert seconds_left(board, clock.now) == pytest.approx(3 * 50, rel=0.02)
    made(board, trial(-2), clock, 0.5, until=60)
    made(board, board.at_work[0].trial, clock, 0.5, until=30)
    (row,) = board.at_work
    assert (row.first, row.made) == (1, 30)
    assert 1.29 <= board.spent <= 1.31


@given(
    runs=st.lists(
        st.tuples(st.integers(1, 3 * FULL), st.integers(0, 2 * FULL), st.floats(0, 1e6), st.booleans(), st.booleans()),
        max_size=12,
    ),
    budget=st.floats(1, 20),
)
def test_the_time_left_is_never_negative_whatever_happens(
    runs: list[tuple[int, int, float, bool, bool]], budget: float
) -> None:
    board, clock = Board(budget, FULL), Clock()
    for steps, step, seconds, ends, kept in runs:
        one = trial(-1.0, steps)
        for update in (0, step):
            clock.now += seconds
            board.seen(one, update, clock.now)
        if ends:
            board.ended(result(one, math.inf if step % 2 else 0.5), "loss", kept, clock.now)
        left = seconds_left(board, clock.now)
        assert left is None or (left > 0 and "about" in in_words(left))


# The picture


def drawn(marks: list[Mark], width: int = 60, height: int = 12, ascii_only: bool = False) -> list[str]:
    return [text.plain for text in picture(marks, "loss", width, height, ascii_only)]


def test_each_run_is_where_its_rate_and_its_metric_are() -> None:
    lines = drawn([Mark(-3, 1.0, "short"), Mark(-2, 0.2, "best"), Mark(-1, 0.6, "full"), Mark(0, math.inf, "diverged")])
    legend, edge, top, *_, lowest, axis, rates = lines
    assert all(name in legend for name in ("loss", "★ best", "◦ short", "● full", "× diverged"))
    assert edge.endswith("×")
    assert top.strip() == "1 ┤◦"
    assert lowest.strip().startswith("0.2 ┤")
    assert lowest.index("★") == rates.index("0.01") + 2
    assert any("●" in line and rates.index("0.1") <= line.index("●") <= rates.index("0.1") + 2 for line in lines[3:-3])
    assert axis.strip().startswith("└──")


def test_blow_ups_do_not_flatten_the_picture() -> None:
    good = [Mark(-3 + place / 5, 0.4 + place / 100, "short") for place in range(5)]
    lines = drawn([*good, Mark(0, 1e30, "short"), Mark(0.2, 50.0, "full"), Mark(0.5, math.inf, "diverged")])
    assert lines[1].count("↑") == 2
    assert sum("◦" in line for line in lines[1:]) == 5, "all good runs are on one line"


@given(
    marks=st.lists(
        st.builds(Mark, st.floats(-12, 4), st.floats(-1e30, 1e30), st.sampled_from(["short", "middle", "full"])),
        min_size=1,
        max_size=30,
    ),
    width=st.integers(40, 100),
    height=st.integers(8, 15),
)
def test_a_picture_has_its_size_whatever_is_in_it(marks: list[Mark], width: int, height: int) -> None:
    lines = drawn(marks, width, height, ascii_only=True)
    assert len(lines) == height
    assert all(len(line) <= width and line.isascii() for line in lines)


def test_horizons_have_their_own_marks() -> None:
    kinds = [horizon(steps, 1000) for steps in (125, 350, 1000, 1500)]
    assert kinds == ["short", "middle", "full", "full"]
    for glyphs in zip(*(glyphs for *glyphs, _ in GLYPHS.values()), strict=True):
        assert len(set(glyphs)) == len(GLYPHS)


# The view


def busy_board(runs: int = 40, at_work: int = 2) -> tuple[Board, Clock]:
    board, clock = Board(50, FULL), Clock()
    for number in range(runs):
        one = trial(-4 + number % 7 / 2, (12, 35, 100)[number % 3], width=16 * (number % 2 + 1), depth=2)
        made(board, one, clock, 0.1, until=one.steps)
        board.ended(result(one, math.inf if number % 7 == 6 else 0.4 + number % 5 / 10), "val_loss", False, clock.now)
    for number in range(at_work):
        made(board, trial(-2 - number / 10, width=16, depth=2), clock, 0.1, until=45)
    return board, clock


def seen_at(board: Board, clock: Clock, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=height)
    return view(board, console, clock.now).plain.split("\n")


@pytest.mark.parametrize("size", [(200, 60), (80, 24), (60, 18), (40, 20), (30, 10), (20, 3)])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_view_fits_every_terminal(size: tuple[int, int], encoding: str) -> None:
    width, height = size
    lines = seen_at(*busy_board(), width, height, encoding)
    assert len(lines) < height
    assert all(len(line) <= width for line in lines)
    assert "of 50 full run" in "\n".join(lines)
    if encoding == "ascii":
        assert "\n".join(lines).isascii()


def test_the_table_has_the_runs_at_work_and_the_latest_others() -> None:
    lines = seen_at(*busy_board(), 100, 30)
    header = next(line for line in lines if line.startswith("run "))
    assert header.split() == ["run", "peak", "lr", "updates", "seed", "settings", "val_loss", "cost", "state"]
    rows = lines[lines.index(header) + 1 : -2]
    assert [int(row.split()[0]) for row in rows] == list(range(43 - len(rows), 43))
    assert [row.endswith("45%") for row in rows[-3:]] == [False, True, True]
    assert "width 32" in rows[-3]
    assert "depth" not in rows[-3], "a setting that never differs"
    assert sum("diverged" in row for row in rows) >= 1
    spending, best = lines[-2:]
    assert "2 at work" in spending
    assert "left (of the budget)" in spending
    assert best == "best so far: val_loss 0.4 at lr 0.0001 (run 1, 12 updates)"


def test_many_runs_at_work_are_as_many_as_fit() -> None:
    board, clock = busy_board(runs=5, at_work=64)
    lines = seen_at(board, clock, 80, 24)
    assert len(lines) < 24
    assert "64 at work" in "\n".join(lines)


class SlowScreen(io.StringIO):
    """A terminal on which everything takes its time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds, self.draws = clock, seconds, 0

    def write(self, text: str) -> int:
        if "full runs" in text:
            self.draws += 1
            self.clock.now += self.seconds
        return super().write(text)


@pytest.mark.parametrize(("draw", "update"), [(1e-4, 1e-4), (0.01, 1e-4), (0.01, 5e-3), (0.3, 0.02), (0.3, 2.0)])
def test_drawing_takes_no_more_than_its_share_of_the_time(draw: float, update: float) -> None:
    clock = Clock()
    screen = SlowScreen(clock, draw)
    with LiveView(Console(file=screen, width=80, height=24, force_terminal=True), 200, FULL, clock) as live:
        for number in range(50):
            one = trial(-3 + number % 5)
            for step in range(FULL):
                clock.now += update
                live.training(one, step)
            live.ended(result(one), "loss", False)
        draws, end = screen.draws, clock.now
    assert 2 <= draws <= 2 + end * SHARE / draw
    assert draws <= 2 + end / 0.1
    assert screen.draws == draws + 1, "the last state is left"


def test_lines_say_the_time_left_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = SearchLines(20, FULL, clock)
    for number in range(10):
        one = trial(-number)
        for step in range(FULL):
            clock.now += 0.1
            lines.training(one, step)
        lines.ended(result(one), "loss", False)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said] == [f"run {number}" for number in range(1, 11)]
    assert said[0] == "run 1: lr 1, 100 updates: loss 0.5  [1.00 of 20 full runs]"
    assert said[2].endswith("[3.00 of 20 full runs, about 3 min left]")
    assert sum("left" in line for line in said) == 3


# A real search on a real terminal


@dataclass
class Screen:
    """What a terminal emulator shows of a command that was started in it."""

    process: subprocess.Popen[bytes]
    master: int
    emulator: pyte.HistoryScreen
    stream: pyte.ByteStream = field(init=False)

    def __post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.emulator)

    def feed(self, seconds: float = 0.1) -> bool:
        """Show what has come; False once the command has gone."""
        try:
            if select.select([self.master], [], [], seconds)[0]:
                self.stream.feed(os.read(self.master, 1 << 16))
        except OSError:  # how Linux says that nobody holds the other end
            return False
        return True

    def until(self, shown: Callable[[str], bool], seconds: float = 60) -> str:
        """Wait until this is shown, and give what is."""
        deadline = time.monotonic() + seconds
        while self.feed():
            if shown(self.text):
                return self.text
            assert time.monotonic() < deadline, self.text
        raise AssertionError(f"it never came:\n{self.text}")

    def press_ctrl_c(self) -> int:
        """As a person does: again, if nothing happens. Python drops one that comes while it takes an object down."""
        pressed = -math.inf
        while self.process.poll() is None:
            if time.monotonic() > pressed + 3:
                self.process.send_signal(signal.SIGINT)
                pressed = time.monotonic()
            if not self.feed():
                break
        return self.end()

    def end(self) -> int:
        while self.feed(1.0):
            pass
        return self.process.wait(30)

    @property
    def text(self) -> str:
        past = ["".join(line[x].data for x in range(self.emulator.columns)) for line in self.emulator.history.top]
        return "\n".join(line.rstrip() for line in (*past, *self.emulator.display)).rstrip()


@pytest.fixture
def on_screen(terminal: Terminal) -> Iterator[Callable[..., Screen]]:
    """Starts a command in a terminal of 80 by 30."""
    (terminal.folder / "slow.py").write_text(SLOW)
    opened: list[Screen] = []

    def start(*arguments: str, **environment: str) -> Screen:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
        unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE")
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        environ = {**inherited, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}
        # Where the tests run in the background Ctrl-C is ignored, and that would be inherited.
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            terminal.command(*arguments), cwd=terminal.folder, stdin=slave, stdout=slave, stderr=slave, env=environ
        )
        signal.signal(signal.SIGINT, ours)
        os.close(slave)
        opened.append(Screen(process, master, pyte.HistoryScreen(80, 30, history=1000)))
        return opened[-1]

    yield start
    for screen in opened:
        screen.process.kill()
        screen.process.wait()
        os.close(screen.master)


SEARCH = ("tune", "slow.py:training", "--steps", "800", "--budget", "3", "--force")
QUICK = ("tune", "t.py:bowl", "--steps", "120", "--budget", "2")


def go(terminal: Terminal) -> None:
    """Let the training run as fast as it can."""
    (terminal.folder / "go").touch()


def test_a_search_fills_its_picture_and_leaves_it_above_the_answer(
    on_screen: Callable[..., Screen], terminal: Terminal
) -> None:
    screen = on_screen(*SEARCH)
    during = screen.until(lambda text: "★ best" in text and "%" in text and "left (of the budget)" in text)
    assert "loss against peak lr" in during
    assert "▲ at work" in during
    assert "of 3 full runs" in during
    assert screen.emulator.cursor.hidden
    go(terminal)
    assert screen.end() == 0
    after = screen.text
    assert after.count("loss against peak lr") == 1, "drawings were left behind"
    assert after.count("best so far: loss") == 1
    assert "left (of" not in after
    assert "at work" not in after
    assert after.index("best so far: loss") < after.index("policy")
    assert not screen.emulator.cursor.hidden
    assert any(cell.fg != "default" for row in screen.emulator.buffer.values() for cell in row.values())


def test_what_the_training_prints_stands_above_the_view(on_screen: Callable[..., Screen], terminal: Terminal) -> None:
    go(terminal)
    screen = on_screen("tune", "slow.py:loud", "--steps", "200", "--budget", "2")
    assert screen.end() == 0
    assert screen.text.count("loss against peak lr") == 1
    assert screen.text.count("seed 0 from the training") >= 3
    assert screen.text.rindex("from the training") < screen.text.index("loss against peak lr")


def test_ctrl_c_leaves_a_clean_terminal(on_screen: Callable[..., Screen]) -> None:
    moments = random.Random(4)
    for _ in range(3):
        screen = on_screen(*SEARCH)
        screen.until(lambda text: "of 3 full runs" in text)
        deadline = time.monotonic() + moments.uniform(0, 0.5)
        while time.monotonic() < deadline:
            screen.feed(0.01)
        assert screen.press_ctrl_c() == 1
        assert not screen.emulator.cursor.hidden
        *above, spending, best, message, advice = screen.text.splitlines()
        assert "of 3 full runs" in spending
        assert "so far" in best
        assert (message + advice).startswith("stepsize: interrupted")
        assert screen.emulator.cursor.x == 0
        assert sum("of 3 full runs" in line for line in above) == 0


def test_a_terminal_that_goes_away_does_not_take_the_search_along(
    on_screen: Callable[..., Screen], terminal: Terminal
) -> None:
    screen = on_screen(*SEARCH)
    screen.until(lambda text: "of 3 full runs" in text)
    os.close(screen.master)
    screen.master = os.open(os.devnull, os.O_RDONLY)
    go(terminal)
    screen.process.wait(60)
    assert (terminal.folder / "out" / "policy.json").exists()


def test_without_colours_and_without_unicode(on_screen: Callable[..., Screen], terminal: Terminal) -> None:
    screen = on_screen(*SEARCH, NO_COLOR="1", PYTHONIOENCODING="ascii")
    screen.until(lambda text: "* best" in text)
    go(terminal)
    assert screen.end() == 0
    assert "loss against peak lr  * best" in screen.text
    assert "\\u" not in screen.text
    assert all(cell.fg == "default" for row in screen.emulator.buffer.values() for cell in row.values())


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(on_screen: Callable[..., Screen]) -> None:
    screen = on_screen(*QUICK, TERM="dumb")
    assert screen.end() == 0
    assert "run 1: lr" in screen.text
    assert "against" not in screen.text


def test_quiet_says_nothing_on_a_terminal_either(on_screen: Callable[..., Screen]) -> None:
    screen = on_screen(*QUICK, "-q")
    assert screen.end() == 0
    assert screen.text.startswith("policy")


def test_show_draws_a_search_at_work_and_one_that_has_ended(
    on_screen: Callable[..., Screen], terminal: Terminal
) -> None:
    search = on_screen(*SEARCH)
    search.until(lambda text: "★ best" in text and text.count("0.062") >= 2)
    showing = on_screen("show", "out/study.db")
    assert showing.end() == 0
    assert "has not ended" in showing.text
    assert "loss against peak lr  ★ best" in showing.text
    assert showing.text.count("★ best so far") == 1
    go(terminal)
    assert search.end() == 0
    showing = on_screen("show", "out/study.db")
    assert showing.end() == 0
    assert "loss against peak lr  ★ best" in showing.text
    assert showing.text.startswith("policy")
