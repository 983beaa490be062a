"""`fastai.callback.schedule`: a function of the position k / updates; a fit has n_epoch * n_iter updates.

Without `updates` position 1 is step 1: `combine_scheds` stretches such a schedule to its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from stepsize.errors import InvalidSchedule
from stepsize.schedule import constant, cosine, exponential_decay, one_minus_power
from stepsize.schedule.algebra import Schedule
from stepsize.schedule.compat.families import BEYOND, endless_line
from stepsize.schedule.compat.placing import Leg, exact, placed
from stepsize.schedule.node import whole_steps


def sched_lin(start: Any, end: Any, updates: int = 1) -> Schedule:
    """A straight line, which goes on past the end."""
    return endless_line(start, end, whole_steps(updates, "updates"))


def sched_cos(start: Any, end: Any, updates: int = 1) -> Schedule:
    """Half a cosine; past the end it comes back."""
    return cosine(start, end, whole_steps(updates, "updates")).after("mirror")


def sched_no(start: Any, end: Any, updates: int = 1) -> Schedule:
    """`start`, whatever the end."""
    return constant(start)


def sched_exp(start: Any, end: Any, updates: int = 1) -> Schedule:
    """Equal ratios, also past the end."""
    return exponential_decay(start, end / start, whole_steps(updates, "updates"))


def sched_poly(start: Any, end: Any, power: float, updates: int = 1) -> Schedule:
    """A power of the position, also past the end."""
    far = BEYOND // 1000
    return one_minus_power(start, start + (end - start) * float(far) ** power, updates * far, power)


def combine_scheds(pcts: Sequence[float], scheds: Sequence[Schedule], updates: int) -> Schedule:
    """Each schedule over its share of the updates; the last goes on past the end.

    fastai asks that the shares sum to 1 exactly, and finds boundaries in float32: where one falls on an update, that
    may still belong to the schedule before.
    """
    shares = [exact(share, "pcts") for share in pcts]
    if sum(shares) != 1 or len(shares) != len(scheds):
        raise InvalidSchedule(f"needs one share for each schedule, 1 in all; got {list(pcts)} for {len(scheds)}")
    total = whole_steps(updates, "updates")
    *first, last = scheds
    legs = [(_cut(one), share * total) for one, share in zip(first, shares, strict=False)]
    return placed(*legs, (last.stretch, shares[-1] * total))


def combined_cos(pct: float, start: Any, middle: Any, end: Any, updates: int) -> Schedule:
    """A cosine from `start` to `middle` in the share `pct`, and one to `end`."""
    share = exact(pct, "pct")
    return combine_scheds([float(share), float(1 - share)], [sched_cos(start, middle), sched_cos(middle, end)], updates)


def fit_one_cycle(
    n_epoch: int,
    lr_max: Any,
    n_iter: int,
    div: float = 25.0,
    div_final: float = 1e5,
    pct_start: float = 0.25,
    moms: Any = None,
) -> Schedule:
    """The rates of `Learner.fit_one_cycle`, `n_iter` batches an epoch; momentum is `combined_cos(pct_start, *moms)`."""
    return combined_cos(pct_start, lr_max / div, lr_max, lr_max / div_final, _run(n_epoch, n_iter))


def fit_flat_cos(n_epoch: int, lr: Any, n_iter: int, div_final: float = 1e5, pct_start: float = 0.75) -> Schedule:
    """The rates of `Learner.fit_flat_cos`: level, then a cosine."""
    return combined_cos(pct_start, lr, lr, lr / div_final, _run(n_epoch, n_iter))


def fit_sgdr(n_cycles: int, cycle_len: int, lr_max: Any, n_iter: int, cycle_mult: int = 2) -> Schedule:
    """The rates of `Learner.fit_sgdr`: cosines from `lr_max` to 0, each `cycle_mult` times as long."""
    return cosine(lr_max, 0.0, _run(cycle_len, n_iter)).repeat(n_cycles, stretch=cycle_mult)


def _run(epochs: Any, batches: Any) -> int:
    return whole_steps(epochs, "epochs") * whole_steps(batches, "n_iter")


def _cut(schedule: Schedule) -> Leg:
    """A schedule of positions 0 to 1 as a leg."""
    return lambda n: schedule.stretch(n)[:n]


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "sched_lin": sched_lin,
    "sched_cos": sched_cos,
    "sched_no": sched_no,
    "sched_exp": sched_exp,
    "SchedLin": sched_lin,
    "SchedCos": sched_cos,
    "SchedNo": sched_no,
    "SchedExp": sched_exp,
    "SchedPoly": sched_poly,
    "combine_scheds": combine_scheds,
    "combined_cos": combined_cos,
    "fit_one_cycle": fit_one_cycle,
    "fit_flat_cos": fit_flat_cos,
    "fit_sgdr": fit_sgdr,
}
