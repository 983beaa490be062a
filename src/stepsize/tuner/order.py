"""`Order`: everything a search was asked for, as a value that is kept with its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, final

from stepsize._codec import BadDocument, Document, is_finite, summary
from stepsize.errors import InvalidSpace, UnreadableRun
from stepsize.loop import whole_updates
from stepsize.policy import OPTIMIZERS
from stepsize.schedule import Schedule
from stepsize.schedule.document import read_node
from stepsize.tuner.beforehand import beforehand, reach, starting_prior
from stepsize.tuner.check import check_space
from stepsize.tuner.dimension import frozen
from stepsize.tuner.outer import as_sampler
from stepsize.tuner.plan import Plan
from stepsize.tuner.prior import shift_prior
from stepsize.tuner.space import Space, parse_space, valid_range
from stepsize.tuner.trial import Recipe

# A resumed search may be given more budget; all else must be as it was.
FREE = ("budget",)


@final
@dataclass(frozen=True)
class Order:
    """A search: of what training, judged by which metric, with which plan, by which recipe."""

    training: str
    metric: str
    plan: Plan
    recipe: Recipe

    def document(self) -> Document:
        """The order as a JSON value."""
        schedule = self.recipe.schedule
        return {
            "training": self.training,
            "metric": self.metric,
            "optimizer": self.recipe.optimizer,
            "schedule": schedule if isinstance(schedule, str) else schedule.node.document(),
            "batch_size": self.recipe.batch_size,
            **asdict(self.plan),
            "space": self.plan.space.document(),
        }

    @staticmethod
    def from_document(document: Document) -> Order:
        """The order that `document` describes.

        Raises:
            UnreadableRun: it describes none.
        """
        try:
            fields = dict(document)
            schedule = fields.pop("schedule")
            recipe = Recipe(
                schedule if isinstance(schedule, str) else Schedule(read_node(schedule)),
                fields.pop("optimizer"),
                fields.pop("batch_size"),
            )
            space = Space.from_document(fields.pop("space"))
            training, metric = fields.pop("training"), fields.pop("metric")
            fields |= {name: tuple(fields[name]) for name in ("prior", "shift") if name in fields}
            return Order(training, metric, Plan(**fields, space=space), recipe)
        except (KeyError, TypeError, BadDocument) as error:
            raise UnreadableRun(f"the study's order cannot be read: {error!r}") from error


def named(pairs: Any) -> tuple[tuple[str, Any], ...]:
    """Settings as a trial holds them, from JSON, which knows no tuples."""
    return tuple((name, frozen(value)) for name, value in pairs)


def order(
    training: str,
    metric: str,
    *,
    steps: Any,
    budget: Any,
    optimizer: str | None = None,
    schedule: str | Schedule = "warmup_cosine",
    low: float | None = None,
    high: float | None = None,
    widen: bool = True,
    space: Mapping[str, Any] | None = None,
    sampler: Any = "surface",
    prior: Any = None,
    seed: Any = 0,
    batch_size: int | None = None,
    fixed: bool = False,
    parallel: Any = 1,
) -> Order:
    """A checked order; what is not given follows from the optimizer.

    Raises:
        InvalidSpace: an argument makes no sense; the message names it.
    """
    if isinstance(budget, bool) or not isinstance(budget, int | float) or not is_finite(budget) or budget < 1:
        raise InvalidSpace(f"budget must be at least 1 full-run equivalent, got {summary(budget)}; 4 is a good start")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidSpace(f"seed must be a whole number, at least 0; got {summary(seed)}")
    if optimizer is not None and optimizer not in OPTIMIZERS:
        raise InvalidSpace(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {summary(optimizer)}")
    recipe, parsed = Recipe(schedule, optimizer, batch_size), parse_space(space, as_sampler(sampler))
    check_space(parsed, recipe)
    known = beforehand(prior, parsed)
    parsed = replace(parsed, first=known.first, rates=known.rates)
    start = starting_prior(parsed, optimizer, known)
    lowest, highest = reach(parsed, optimizer, start)
    bounds = valid_range(10**lowest if low is None else low, 10**highest if high is None else high)
    updates, shift = whole_updates(steps), shift_prior(schedule, whole_updates(steps))
    at_once = whole_updates(parallel, "parallel")
    plan = Plan(updates, float(budget), *bounds, start, parsed, seed, shift, fixed, widen, at_once)
    return Order(training, metric, plan, recipe)


def differences(asked: Order, kept: Order) -> list[str]:
    """What of an order differs from the one a study was made for, in words."""
    now, then = asked.document(), kept.document()
    names = [name for name in now if name not in FREE and now[name] != then[name]]
    return [f"{name} is {summary(now[name])}, the study has {summary(then[name])}" for name in names]
