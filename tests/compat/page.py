"""Write `docs/conformance.md`, all of it from what the tests compare and run: `python -m tests.compat.page`."""

import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stepsize.schedule.compat.call import LIBRARIES
from stepsize.schedule.compat.families import BEYOND
from stepsize.schedule.compat.placing import CYCLES
from tests.compat import peers
from tests.compat.cases import Case
from tests.compat.conformance import (
    FLOAT32,
    FLOAT64,
    MISSED,
    PRECISION,
    Comparison,
    cases,
    comparisons,
    power_of_ten,
    table,
)
from tests.compat.defects import Defect, ours, theirs
from tests.compat.defects_tabulated import RECORDED

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
INTRODUCTION = """# Conformance with other libraries

<!-- Written by `python -m tests.compat.page`; a test holds it against what that gives. -->

`stepsize.compat("torch:OneCycleLR", max_lr=0.1, total_steps=1000)` gives another library's schedule as one of ours,
with that library's exact curve: which update first sees a value, what it does past its end, its off-by-ones. The result
composes, is written as JSON and runs in every framework. `stepsize show compat:torch:OneCycleLR max_lr=0.1
total_steps=1000` shows it.

Below, whole curves are compared, to well past their ends. *live* means against the library as installed where the
tests run; *tabulated* against values that the library's own code gave once (`tests/compat/tables`, written by
`tests/compat/tabulate.py`). A difference is relative to the value, or to {share64:.0e} of the curve's peak where the
value is smaller ({share32:.0%} for the libraries that compute in float32), and is rounded up to a power of ten. Allowed
are {double:.0e} in float64 and {single:.0e} in float32.

Three things are written out only so far, since no formula of a schedule gives them: a `scale_fn` of the cycle, for
{cycles} cycles; a line or a power that goes on past its end, for {beyond:,} times its length; and the product of
`MultiplicativeLR`, for as many updates as its argument `updates` says. Schedules that follow a metric, and timm's
noise, are refused.
"""
DEFECTS = """## Known defects of peers

Each code below is run when this page is made, by the library named above it, and stands here with what it gave.
`sgd(lr)` is an optimizer with one group; `rates(scheduler, n)` are the rates of n updates, the scheduler stepping
between them.
"""
TABULATED = """### As tabulated

Values in the tables that look wrong, or are a trap. They are what the library computes, so `compat` gives them too,
unless the last column says otherwise.
"""
ALSO = """
### As seen when run

What no table shows: errors, calls out of order, resumes. The libraries were of the versions above.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([*_introduction(), *_conformance(), *_defects()]).rstrip() + "\n"


def _introduction() -> Iterator[str]:
    (double, share64), (single, share32) = FLOAT64, FLOAT32
    shares = {"share64": share64, "share32": share32}
    yield INTRODUCTION.format(double=double, single=single, cycles=CYCLES, beyond=BEYOND, **shares)


def _conformance() -> Iterator[str]:
    for library in LIBRARIES:
        live = library in peers.LIVE
        about = {"library": library, "version": version(library)} if live else table(library)
        name, release = about["library"], about["version"]
        yield f"## {name}\n"
        exactness = "float32" if PRECISION.get(library, FLOAT64) == FLOAT32 else "float64"
        how = f"{'live' if live else 'tabulated'}, {exactness}. {CONVENTIONS.get(library, '')}".strip()
        yield f"{name} {release}, {how}"
        if not live:
            yield f"Convention: {table(library)['convention']}."
        yield "\n| call | cases | updates compared | largest difference |\n|---|---:|---:|---:|"
        yield from _rows(comparisons(library))
        yield ""


CONVENTIONS = {
    "torch": "Update k uses the group's rate after k calls of `scheduler.step()`.",
    "transformers": "Update k uses the group's rate after k calls of `scheduler.step()`.",
    "keras": "Update k uses `schedule(k)`; its NumPy backend was asked.",
    "optax": "Update k uses `schedule(k)`; asked with `jax_enable_x64`.",
}


def _rows(compared: list[Comparison]) -> Iterator[str]:
    for call in sorted({one.call for one in compared}):
        mine = [one for one in compared if one.call == call]
        updates = sum(len(one.values) - len(one.missed()) for one in mine)
        largest = power_of_ten(max(one.largest() for one in mine))
        yield f"| `{call}` | {len(mine)} | {updates} | {largest:.0e} |"


def _defects() -> Iterator[str]:
    yield DEFECTS
    found = theirs()
    for library in peers.LIVE:
        yield f"### {library} {version(library)}\n"
        for defect, value in found.items():
            if defect.library == library:
                yield _defect(defect, value)
    yield TABULATED
    yield "| library | what | for example | cases | compat |\n|---|---|---|---:|---|"
    for library in LIBRARIES:
        if library not in peers.LIVE:
            traps = [one for one in table(library)["cases"] if "defect" in one]
            for text in dict.fromkeys(one["defect"] for one in traps):
                yield _trap(library, [one for one in traps if one["defect"] == text])
    yield ALSO
    yield "| library | what | its call | gave | stepsize |\n|---|---|---|---|---|"
    for one in RECORDED:
        yield f"| {one.library} | {one.what} | `{one.code}` | {one.gives} | `{one.ours}` gives `{_shown(one.value)}` |"


def _defect(defect: Defect, value: Any) -> str:
    threads = f" ({defect.threads})" if defect.threads else ""
    code = "\n".join(f"    {line}" for line in defect.code.split("\n"))
    return (
        f"**{defect.what[0].upper()}{defect.what[1:]}.**{threads}\n\n{code}\n    # {_shown(value)}\n\n"
        f"stepsize: `{defect.ours}` gives `{_shown(ours(defect))}`\n"
    )


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{round(value, 12):.4g}" if isinstance(value, float) else str(value)


def _trap(library: str, same: list[Case]) -> str:
    first = same[0]
    call = f"{first['call'].split(':')[1]}({', '.join(f'{k}={_argument(v)}' for k, v in first['arguments'].items())})"
    known = [places for (call, word), places in MISSED.items() if call == first["call"] and word in first["defect"]]
    if known:
        does = "the formula's values at " + ", ".join(f"step {first['steps'][place]}" for place in known[0])
    else:
        does = "the same" if first in cases(library) else "refused"
    return f"| {library} | {first['defect']} | `{call}` | {len(same)} | {does} |"


def _argument(value: Any) -> str:
    if isinstance(value, dict) and "call" in value:
        return f"{value['call'].split(':')[1]}({', '.join(f'{k}={v!r}' for k, v in value['arguments'].items())})"
    return repr(value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
