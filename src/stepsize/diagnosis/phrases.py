"""How findings name places, stretches and numbers: "update 1,200", "400 epochs", "18 %"."""

from __future__ import annotations

from stepsize.run.column import Clock

NOUNS: dict[Clock, str] = {"step": "update", "epoch": "epoch", "row": "row"}


def place(clock: Clock, at: float) -> str:
    """A place on a clock.

    >>> place("step", 1200)
    'update 1,200'
    """
    return f"{NOUNS[clock]} {at:,.0f}"


def stretch(clock: Clock, long: float) -> str:
    """A length on a clock.

    >>> stretch("epoch", 1), stretch("step", 1200)
    ('1 epoch', '1,200 updates')
    """
    return f"{long:,.0f} {NOUNS[clock]}{'' if round(long) == 1 else 's'}"


def share(part: float) -> str:
    """A share in hundredths; what is more than nothing does not read as nothing.

    >>> share(0.184), share(0.0004)
    ('18 %', '0.04 %')
    """
    return f"{100 * part:.0f} %" if abs(part) >= 0.01 or part == 0 else f"{100 * part:.1g} %"
