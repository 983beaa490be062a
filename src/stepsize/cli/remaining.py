"""How long a search will take yet: from the speed of its runs, the budget left, and how many were at work at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepsize.cli.board import Board, Row

# How many runs are at work at once is looked up in the latest share of the time.
LATEST = 1 / 3
# What may be said of a run that is the first: it must have come so far.
TELLING = 0.1


def seconds_left(board: Board, now: float) -> float | None:
    """Seconds until the budget is spent; None as long as nothing is known, or where nothing is left.

    The runs at work are counted to their end, the rest of the budget at the speed of the settings that are best so
    far. What runs do not use (starting them, choosing the next) makes fewer of them seem to be at work at once.
    """
    timed = [row for row in board.rows if pace(row) is not None]
    if not any(not row.at_work or row.made > TELLING * row.trial.steps for row in timed):
        return None
    ahead = [_updates_ahead(row) * speed(timed, row.trial.settings) for row in board.at_work]
    rest = (board.budget - board.spent) * board.steps - sum(map(_updates_ahead, board.at_work))
    settings = board.best.trial.settings if board.best else ()
    work = sum(ahead) + max(rest, 0.0) * speed(timed, settings)
    left = max(work / at_once(timed, now), *ahead, 0.0)
    return left or None


def pace(row: Row) -> float | None:
    """Seconds an update of this run; None where that was not measured."""
    if row.kept or row.made <= row.first or row.changed <= row.began:
        return None
    return (row.changed - row.began) / (row.made - row.first)


def speed(timed: Sequence[Row], settings: object) -> float:
    """Seconds an update of runs with these settings, or of all runs where none of them had these: the median update."""
    same = [row for row in timed if row.trial.settings == settings]
    paces = sorted((pace(row) or 0.0, row.made - row.first) for row in same or timed)
    half = sum(updates for _, updates in paces) / 2
    for seconds, updates in paces:
        half -= updates
        if half <= 0:
            return seconds
    return 0.0


def at_once(timed: Iterable[Row], now: float) -> float:
    """How many runs were at work at once, on average over the latest third of the time."""
    spans = [(row.began, now if row.at_work else row.changed) for row in timed]
    since = now - LATEST * (now - min(began for began, _ in spans))
    busy = sum(max(0.0, min(ended, now) - max(began, since)) for began, ended in spans)
    # A long pause of all runs says little of what comes.
    return max(busy / (now - since), 0.1) if now > since else 1.0


def in_words(seconds: float) -> str:
    """A time as it is said: no finer than it is known.

    >>> in_words(42), in_words(170), in_words(9_000)
    ('about 40 s', 'about 3 min', 'about 2.5 h')
    """
    if seconds < 57:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    if seconds < 90 * 60:
        return f"about {max(1, round(seconds / 60))} min"
    if seconds < 48 * 3600:
        return f"about {seconds / 3600:.1f} h"
    return f"about {seconds / 86400:.0f} days"


def _updates_ahead(row: Row) -> int:
    return max(row.trial.steps - row.made, 0)
