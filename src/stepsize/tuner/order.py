"""`Order`: everything a search was asked for, as a value that is kept with its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

from stepsize._codec import BadDocument, Document, is_finite, summary
from stepsize.errors import InvalidSpace, UnreadableRun
from stepsize.loop import whole_updates
from stepsize.policy import OPTIMIZERS
from stepsize.schedule import Schedule
from stepsize.schedule.document import read_node
from stepsize.tuner.plan import Plan
from stepsize.tuner.prior import PRIORS, REACH
from stepsize.tuner.space import Dimension, parse_space, valid_range
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
            **asdict(self.plan),
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
            )
            space = tuple(Dimension(**{**d, "choices": _choices(d["choices"])}) for d in fields.pop("space"))
            training, metric = fields.pop("training"), fields.pop("metric")
            fields["prior"] = tuple(fields["prior"])
            return Order(training, metric, Plan(**fields, space=space), recipe)
        except (KeyError, TypeError, BadDocument) as error:
            raise UnreadableRun(f"the study's order cannot be read: {error!r}") from error


def named(pairs: Any) -> tuple[tuple[str, Any], ...]:
    """Settings as a trial holds them, from JSON, which knows no tuples."""
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in pairs)


def _choices(choices: list[Any]) -> tuple[Any, ...]:
    return tuple(tuple(choice) if isinstance(choice, list) else choice for choice in choices)


def order(
    training: str,
    metric: str,
    steps: Any,
    budget: Any,
    optimizer: str | None,
    schedule: str | Schedule,
    low: float | None,
    high: float | None,
    space: Mapping[str, Any] | None,
    seed: Any,
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
    mean, spread = PRIORS[optimizer]
    bounds = valid_range(10 ** (mean - REACH) if low is None else low, 10 ** (mean + REACH) if high is None else high)
    plan = Plan(whole_updates(steps), float(budget), bounds[0], bounds[1], (mean, spread), parse_space(space), seed)
    return Order(training, metric, plan, Recipe(schedule, optimizer))


def differences(asked: Order, kept: Order) -> list[str]:
    """What of an order differs from the one a study was made for, in words."""
    now, then = asked.document(), kept.document()
    names = [name for name in now if name not in FREE and now[name] != then[name]]
    return [f"{name} is {summary(now[name])}, the study has {summary(then[name])}" for name in names]
