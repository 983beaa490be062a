"""TensorBoard events: the scalars in a file, or in folders of them, whoever wrote these: `torch.utils.tensorboard`,
tensorboardX and the Hugging Face Trainer; `tf.summary` and Keras; clu, as AlgoPerf has it; TensorBoard's own writer.

The records are `tfrecord`, an event is `events`, and `scalars` reads many of them at once. Here is what a folder means.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stepsize.errors import UnreadableRun
from stepsize.run.column import Column
from stepsize.run.log import Log
from stepsize.run.readers.names import TRAINING, VALIDATION, by_house_names
from stepsize.run.readers.scalars import Contents, Scalars, read_file
from stepsize.run.readers.settings import Stated
from stepsize.run.readers.source import Source
from stepsize.run.readers.tfrecord import HEAD, sound

FORMAT = "TensorBoard events"

# Folders of one training that stand side by side, as Keras writes them.
ROLES = TRAINING | VALIDATION | {"test"}
# What TensorBoard's own reader keeps of a tag, chosen by chance.
SAMPLED = 10_000


def recognises(source: Source) -> bool:
    """Whether this is a file of events, or a folder that holds some, however deep."""
    if source.folder:
        return bool(_files(source.path))
    return sound(source.head[: HEAD.size])


def read(path: Path) -> list[Log]:
    """The runs in a file or a folder.

    Folders side by side are a run each, as `logs/runA` and `logs/runB`; but Keras's `train` and `validation` are one,
    and so is a folder with all that is in it when there are events in itself. Where a run has several folders, these
    are part of the names. In one folder a later file takes over from its first step on: that is a training resumed.
    A last record that was cut off, or is being written, is left out; so is what is damaged, and a note says where.

    Raises:
        UnreadableRun: nothing can be read, or there is no scalar at all.
    """
    found = {name: {file: read_file(file) for file in files} for name, files in _runs(path).items()}
    logs = [_log(name, contents) for name, contents in found.items() if any(c.scalars for c in contents.values())]
    if logs:
        return logs
    places = [note for contents in found.values() for note in _damage(contents)]
    raise UnreadableRun(f"{path}: TensorBoard events without any scalar{''.join(f'; {place}' for place in places)}")


def read_scalars(path: Path, exact: str = "") -> dict[str, Column]:
    """The scalars of all folders as one run, by the names they have here, and the tag `exact` by its own too.

    Raises:
        UnreadableRun: damage anywhere but at the end, or no scalar at all.
    """
    contents = {file: read_file(file) for file in _files(path)}
    if places := [*_damage(contents)]:
        raise UnreadableRun(f"{path.parent}: {places[0]}")
    scalars, _ = _together(contents)
    if not scalars:
        raise UnreadableRun(f"{path}: TensorBoard events without any scalar")
    return by_house_names({tag: _column(*pair) for tag, pair in scalars.items()}, exact)


def _files(path: Path) -> list[Path]:
    """By name, in which the time comes first."""
    return sorted(file for file in path.rglob("*tfevents*") if file.is_file()) if path.is_dir() else [path]


def _runs(path: Path) -> dict[str, list[Path]]:
    """The files of each run by its name, which is its folder; empty where there is one run only."""
    files = _files(path)
    homes = {file.parent: _home(file.parent, {other.parent for other in files}, path) for file in files}
    if len(set(homes.values())) < 2:
        return {"": files}
    runs: dict[str, list[Path]] = {}
    for file in files:
        home = homes[file.parent]
        runs.setdefault(path.name if home == path else home.relative_to(path).as_posix(), []).append(file)
    return runs


def _home(folder: Path, folders: set[Path], path: Path) -> Path:
    """The folder of the run of which a folder of events is part."""
    top = next((above for above in reversed(folder.parents) if above in folders), folder)
    return top.parent if top.name.lower() in ROLES and top != path else top


def _log(name: str, contents: Mapping[Path, Contents]) -> Log:
    """One run, with what is to be said about it."""
    scalars, notes = _together(contents)
    columns = {}
    for tag, (steps, values) in scalars.items():
        columns[tag], said = _told(tag, _column(steps, values))
        notes += said
    most = max(scalars, key=lambda tag: scalars[tag][0].size)
    if (size := scalars[most][0].size) > SAMPLED:
        notes.append(
            f"TensorBoard's own reader keeps {SAMPLED:,} points of a tag, chosen by chance; all {size:,} of "
            f"{most!r} are read here."
        )
    stated = Stated()
    for file in contents.values():
        stated.steps = stated.steps or file.stated.steps
        stated.settings |= file.stated.settings
    return Log(by_house_names(columns), name, stated.steps, stated.settings, (*notes, *_damage(contents)))


def _together(contents: Mapping[Path, Contents]) -> tuple[Scalars, list[str]]:
    """The scalars of a run's files by tag, with the folder in the tag where there are several; and notes."""
    folders: dict[Path, Scalars] = {}
    notes = []
    for file, content in contents.items():
        lost = _take_over(folders.setdefault(file.parent, {}), content.scalars)
        if lost:
            notes.append(f"{file.name} takes over from an earlier file: {lost:,} of its values are left out.")
    shared = Path(os.path.commonpath([*folders]))
    return {
        _joined(folder.relative_to(shared), tag): pair
        for folder, scalars in folders.items()
        for tag, pair in scalars.items()
    }, notes


def _joined(folder: Path, tag: str) -> str:
    return tag if folder == Path() else f"{folder.as_posix()}/{tag}"


def _take_over(earlier: Scalars, later: Scalars) -> int:
    """Add a later file, which replaces what is there from its first step on; return how many values that were."""
    lost = 0
    for tag, (steps, values) in later.items():
        if tag in earlier:
            kept = earlier[tag][0] < steps[0]
            lost += int(kept.size - kept.sum())
            steps = np.concatenate([earlier[tag][0][kept], steps])
            values = np.concatenate([earlier[tag][1][kept], values])
        earlier[tag] = steps, values
    return lost


def _column(steps: Any, values: Any) -> Column:
    # A writer that was given no step puts everything at 0.
    if steps.size > 1 and (steps == steps[0]).all():
        return Column(np.arange(steps.size), values, "row")
    return Column(steps, values)


def _told(tag: str, column: Column) -> tuple[Column, list[str]]:
    """A column with ascending steps on the clock it is about, and what that took."""
    steps, values = column
    if column.clock == "row":
        return column, [f"The writer was given no step for {tag!r}: its values are counted."]
    change = np.diff(steps)
    if tag.rpartition("/")[2].startswith("epoch_") and (change == 1).all():
        return Column(steps, values, "epoch"), []
    if (change >= 0).all():
        return column, []
    if np.unique(steps).size < steps.size / 2:
        return Column(np.arange(steps.size), values, "row"), [
            f"The steps of {tag!r} begin anew again and again: its values are counted instead."
        ]
    order = np.argsort(steps, kind="stable")
    return Column(steps[order], values[order]), [f"The steps of {tag!r} go back at times: they were sorted."]


def _damage(contents: Mapping[Path, Contents]) -> Iterable[str]:
    """What could not be read, a sentence for each file."""
    for file, content in contents.items():
        if content.damage.count:
            at, why = content.damage.places[0]
            more = f", and {content.damage.count - 1:,} more places" if content.damage.count > 1 else ""
            yield f"{file.name}, byte {at}: damaged: {why}; left out{more}."
