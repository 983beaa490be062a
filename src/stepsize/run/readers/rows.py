"""From rows of named values, one row an update, to columns on their clock: for every format that is made of rows."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run.column import Clock, Column
from stepsize.run.readers import timeline
from stepsize.run.readers.names import HOUSE, by_house_names, house_name
from stepsize.run.readers.timeline import Floats, Whole, kind_of

# So many steps are named in a note.
NAMED = 4
# The rows of a column, where each stands on the clock, and its values.
Placed = tuple[Whole, Floats, Floats]


@final
class Gathered:
    """Rows as they come, kept as columns.

    `add` a row, or `extend` by many at once; then `columns`, once. It says in `notes` what it made of the clock.

    >>> gathered = Gathered()
    >>> for step, loss in enumerate([2.0, 1.0, 0.5]):
    ...     gathered.add({"iter": step, "train_loss": loss})
    >>> gathered.columns("log")["loss"].value.tolist(), gathered.clock
    ([2.0, 1.0, 0.5], 'iter')

    Attributes:
        notes: what was guessed or left out, a sentence each.
        clock: the name of the column that is the clock; empty where rows are counted.
        read_as: for each house name, the name the column has in the log.
    """

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.clock = ""
        self.read_as: dict[str, str] = {}
        self._cells: dict[str, tuple[array[int], array[float]]] = {}
        self._rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row: every value that is a number, or a string that spells one; NaN and Inf are kept."""
        at = self._rows
        self._rows += 1
        for name, raw in row.items():
            value = raw if raw.__class__ is float else number_of(raw)
            if value is None:
                continue
            cells = self._cells.get(name)
            if cells is None:
                cells = self._cells[name] = (array("q"), array("d"))
            cells[0].append(at)
            cells[1].append(value)

    def extend(self, names: Sequence[str], columns: Sequence[Sequence[str]]) -> None:
        """Take many rows at once, as columns of equally many cells; a cell that spells no number is passed over."""
        for name, texts in zip(names, columns, strict=True):
            rows, values = _numbers(texts)
            self._put(name, rows, values)
        self._rows += len(columns[0]) if columns else 0

    def extend_numbers(self, names: Sequence[str], table: Floats, empty: float) -> None:
        """Take many rows at once, a table of numbers with a column for each name; cells that are `empty` hold none."""
        rows = np.arange(len(table))
        for name, values in zip(names, table.T, strict=True):
            filled = values != empty
            self._put(name, rows[filled], values[filled])
        self._rows += len(table)

    def _put(self, name: str, rows: Whole, values: Floats) -> None:
        if rows.size:
            cells = self._cells.setdefault(name, (array("q"), array("d")))
            cells[0].frombytes((rows + self._rows).tobytes())
            cells[1].frombytes(values.tobytes())

    def only(self, names: Mapping[str, str]) -> Gathered:
        """The same rows with some columns alone, renamed."""
        part = Gathered()
        part._rows = self._rows
        part._cells = {new: self._cells[name] for name, new in names.items() if name in self._cells}
        return part

    def columns(self, path: Path | str) -> dict[str, Column]:
        """The columns by their house names, each on the clock its rows name, ascending.

        Steps are preferred to epochs; a column that has no step in any row is put on its epochs. Where rows name
        neither, they are counted. Where a clock goes back, as in a training resumed, later rows take over from
        there on; of several values at one place the last counts.

        Raises:
            UnreadableRun: no row holds a number besides the clock.
        """
        found = self._on_clocks()
        if not found:
            raise UnreadableRun(f"{path}: no column of numbers found in {self._rows} rows")
        named = by_house_names(found)
        own = {id(column): name for name, column in found.items()}
        self.read_as = {name: own[id(column)] for name, column in named.items()}
        return named

    def _on_clocks(self) -> dict[str, Column]:
        epoch = self._dense("epoch")
        step = self._steps(epoch)
        epochs = timeline.whole(epoch[1]) if epoch and self._usable(*epoch) else None
        self.clock = step[0] if step else epoch[0] if epoch and epochs is not None else ""
        if not self.clock:
            self._say_rows(epoch[0] if epoch else "")
        placed: dict[Clock, dict[str, Placed]] = {"step": {}, "epoch": {}, "row": {}}
        lost = 0
        for tag, (rows, values) in self._arrays():
            on, where = _where(rows, step[1] if step else None, epochs)
            known = np.isfinite(where)
            lost += int(known.size - known.sum())
            if known.any():
                placed[on][tag] = rows[known], where[known], values[known]
        if lost:
            self.notes.append(
                f"{lost:,} values in rows whose {self.clock!r} is missing or no whole number are left out"
            )
        return {tag: column for on, parts in placed.items() for tag, column in self._ascending(parts, on).items()}

    def _dense(self, kind: Clock) -> tuple[str, Floats] | None:
        """The best clock of a kind, with its value in each row; NaN where there is none."""
        known = {name: self._by_row(name) for name in self._cells if kind_of(name) == kind}
        # fractional epochs are no clock, yet tell where a count of batches begins anew
        name = timeline.chosen(known, kind) or (next(iter(known), "") if kind == "epoch" else "")
        return (name, known[name]) if name else None

    def _by_row(self, name: str) -> Floats:
        rows, values = self._cells[name]
        dense = np.full(self._rows, np.nan)
        dense[np.frombuffer(rows, dtype=np.int64)] = np.frombuffer(values)
        return dense

    def _steps(self, epoch: tuple[str, Floats] | None) -> tuple[str, Floats] | None:
        """The step clock, counted on where it begins anew in every epoch."""
        found = self._dense("step")
        if found is None:
            return None
        name, steps = found[0], timeline.whole(found[1])
        through = timeline.counted_on(steps, epoch[1] if epoch else None, self._fullest())
        if through is None:
            return name, steps
        self.notes.append(f"{name!r} begins anew in every epoch: its steps are counted on through all of them")
        return name, through

    def _fullest(self) -> Whole:
        """The rows of the column that has most values, besides clocks."""
        others = [np.frombuffer(rows, dtype=np.int64) for tag, (rows, _) in self._cells.items() if not kind_of(tag)]
        return max(others, key=len, default=np.empty(0, dtype=np.int64))

    def _usable(self, name: str, epochs: Floats) -> bool:
        """Whether epochs are a clock: whole numbers, and not many rows to each."""
        seen = timeline.whole(epochs)[self._fullest()]
        return bool(timeline.chosen({name: epochs}, "epoch")) and not timeline.crowded(seen)

    def _arrays(self) -> Iterator[tuple[str, tuple[Whole, Floats]]]:
        for name, (rows, values) in self._cells.items():
            if name != self.clock:
                yield name, (np.frombuffer(rows, dtype=np.int64), np.frombuffer(values))

    def _ascending(self, parts: Mapping[str, Placed], on: Clock) -> dict[str, Column]:
        """Values as columns on a clock that rises: what a later part of the log replaces is left out."""
        turned = timeline.turns({tag: (rows, where) for tag, (rows, where, _) in parts.items()})
        self._say_turns(turned, on)
        shuffled = repeated = 0
        columns: dict[str, Column] = {}
        for tag, (rows, where, values) in parts.items():
            if turned:
                kept = ~timeline.replaced(turned, rows, where)
                where, values = where[kept], values[kept]
                if not where.size:
                    continue
            if np.any(np.diff(where) < 0):
                order = np.argsort(where, kind="stable")
                where, values, shuffled = where[order], values[order], shuffled + 1
            last = np.append(np.diff(where) != 0, True)
            if house_name(tag) in HOUSE:
                repeated += int(where.size - np.count_nonzero(last))
            columns[tag] = Column(where[last].astype(np.int64), values[last], on)
        self._say_order(shuffled, repeated, on)
        return columns

    def _say_rows(self, epoch: str) -> None:
        beside = f"; {epoch!r} has fractions, or many rows to one" if epoch else ""
        self.notes.append(f"no column counts steps{beside}: rows are counted instead")

    def _say_turns(self, turned: Sequence[tuple[int, float]], on: Clock) -> None:
        if turned:
            steps = list(dict.fromkeys(f"{step:,.0f}" for _, step in turned))
            places = ", ".join(steps[:NAMED]) + (", ..." if len(steps) > NAMED else "")
            self.notes.append(
                f"the log goes back to {on} {places}, as where a training is resumed or begun again:"
                " later rows take over from there on"
            )

    def _say_order(self, shuffled: int, repeated: int, on: Clock) -> None:
        if shuffled:
            self.notes.append(f"some rows are not in the order of their {on}: they were sorted by it")
        if repeated:
            self.notes.append(
                f"{repeated:,} values share their {on} with a later one of the same quantity: the last counts"
            )


def _where(rows: Whole, steps: Floats | None, epochs: Floats | None) -> tuple[Clock, Floats]:
    """Where the values in some rows stand, NaN where nothing says so: on steps if any has one, else on epochs."""
    if steps is not None:
        where = steps[rows]
        if epochs is None or np.isfinite(where).any():
            return "step", where
    return ("row", rows.astype(np.float64)) if epochs is None else ("epoch", epochs[rows])


def number_of(raw: Any) -> float | None:
    """A number, also one that was written as a string ("nan", "0.5"); None for anything else."""
    if isinstance(raw, bool) or raw is None:
        return None
    try:
        return float(raw)
    except (TypeError, ValueError, OverflowError):
        return None


def _numbers(texts: Sequence[str]) -> tuple[Whole, Floats]:
    """Which of some cells spell numbers, and those; all at once where all that are not empty do."""
    filled = list(filter(None, texts))
    try:
        values = np.fromiter(map(float, filled), dtype=np.float64, count=len(filled))
    except ValueError:
        pairs = [(at, value) for at, text in enumerate(texts) if text and (value := number_of(text)) is not None]
        return np.array([at for at, _ in pairs], dtype=np.int64), np.array([value for _, value in pairs])
    if len(filled) == len(texts):
        return np.arange(len(texts)), values
    return np.flatnonzero(np.fromiter(map(bool, texts), dtype=bool, count=len(texts))), values
