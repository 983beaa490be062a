"""The runs of a search as lines: those at work and the latest others, in the columns that have room."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from stepsize.cli.board import Board, Row
from stepsize.cli.scatter import GLYPHS

# name -> whether it stands left; where there is no room, those of GIVEN_UP go, the first one first
COLUMNS = {
    "run": False,
    "peak lr": False,
    "updates": False,
    "seed": False,
    "settings": True,
    "metric": False,
    "cost": False,
    "state": True,
}
GIVEN_UP = ("seed", "cost", "updates", "settings", "run")
# Characters of the bar of a run at work, and the largest number of those of its settings.
BAR, SETTINGS = 10, 40
GAP = "  "


def listing(board: Board, width: int, lines: int, ascii_only: bool) -> list[Text]:
    """A header and at most `lines` - 1 runs, none wider than `width`."""
    shown = latest(board.rows, lines - 1)
    names = differing(board.rows)
    cells = [cells_of(row, board, names, ascii_only) for row in shown]
    columns = [{**dict.fromkeys(COLUMNS, ""), **{name: name for name in COLUMNS}, "metric": board.metric}, *cells]
    widths = {name: max(len(line[name]) for line in columns) for name in COLUMNS}
    if not names:
        del widths["settings"]
    for name in GIVEN_UP:
        if sum(widths.values()) + len(GAP) * (len(widths) - 1) > width:
            widths.pop(name, None)
    drawn = [Text(_line(line, widths)[:width].rstrip()) for line in columns]
    drawn[0].stylize("bold dim")
    for text, row in zip(drawn[1:], shown, strict=True):
        text.stylize(_style(row, board.best))
    return drawn


def latest(rows: Sequence[Row], most: int) -> list[Row]:
    """The runs at work and the latest of the others, `most` of them."""
    at_work = [row for row in rows if row.at_work][:most]
    ended = [row for row in rows if not row.at_work]
    return sorted([*at_work, *ended[max(0, len(ended) + len(at_work) - most) :]], key=lambda row: row.number)


def differing(rows: Sequence[Row]) -> list[str]:
    """The settings that are not the same in all runs, by name."""
    given = [dict(row.trial.settings) for row in rows]
    names = dict.fromkeys(name for settings in given for name in settings)
    return [name for name in names if any(settings.get(name) != given[0].get(name) for settings in given)]


def cells_of(row: Row, board: Board, names: Sequence[str], ascii_only: bool) -> dict[str, str]:
    """What the columns say of a run."""
    given = dict(row.trial.settings)
    settings = ", ".join(f"{name} {_short(given[name])}" for name in names if name in given)
    return {
        "run": str(row.number),
        "peak lr": f"{10**row.trial.rate:.3g}",
        "updates": str(row.trial.steps),
        "seed": str(row.trial.seed),
        "settings": settings if len(settings) <= SETTINGS else settings[: SETTINGS - 3] + "...",
        "metric": f"{row.loss:.4g}" if math.isfinite(row.loss) else "",
        "cost": f"{board.cost(row):.3f}",
        "state": _state(row, board.best, ascii_only),
    }


def bar(share: float, width: int, ascii_only: bool) -> str:
    """A share as a bar.

    >>> bar(0.3, 10, ascii_only=True)
    '###-------'
    """
    full, rest = "#-" if ascii_only else "━─"
    done = min(width, int(share * width))
    return full * done + rest * (width - done)


def _line(cells: dict[str, str], widths: dict[str, int]) -> str:
    return GAP.join(
        cells[name].ljust(width) if COLUMNS[name] else cells[name].rjust(width) for name, width in widths.items()
    )


def _state(row: Row, best: Row | None, ascii_only: bool) -> str:
    if row.result is None:
        share = row.made / row.trial.steps
        return f"{bar(share, BAR, ascii_only)} {share:4.0%}"
    if row is best:
        return f"{GLYPHS['best'][ascii_only]} best so far"
    if not math.isfinite(row.loss):
        return "diverged"
    return "from before" if row.kept else ""


def _style(row: Row, best: Row | None) -> str:
    if row.result is None:
        return GLYPHS["at work"][2]
    if row is best:
        return GLYPHS["best"][2]
    return "" if math.isfinite(row.loss) else GLYPHS["diverged"][2]


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
