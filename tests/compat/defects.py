"""Known defects of other libraries: the input that shows each, run by that library, and what stepsize does.

Each `code` is an expression, with statements before it if it needs them. Those of Keras and Optax run in a process of
their own: `python -m tests.compat.defects keras` writes what they give.
"""

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import stepsize as ss
from tests.compat import peers


@dataclass(frozen=True)
class Defect:
    """What is wrong, the library's code that shows it, and ours."""

    library: str
    what: str
    code: str
    ours: str
    threads: str = ""


DEFECTS = [
    Defect(
        "torch",
        "a resume that restores the scheduler, but not the optimizer, goes on from the wrong rate: it multiplies the "
        "current one",
        "old = ExponentialLR(sgd(1.0), 0.9)\nrates(old, 11)\nnew = ExponentialLR(sgd(1.0), 0.9)\n"
        "new.load_state_dict(old.state_dict())\nrates(new, 3)",
        'ss.compat("torch:ExponentialLR", base_lr=1.0, gamma=0.9)([10, 11, 12])',
        "pytorch#29697, #65342",
    ),
    Defect(
        "torch",
        "`total_iters=0` trains at a third of the rate for ever",
        "rates(LinearLR(sgd(0.3), total_iters=0), 4)",
        "ss.constant(0.3).warmup(0)([0, 1, 2, 3])",
        "pytorch#193682",
    ),
    Defect(
        "torch",
        "a cosine of no length is found out at the first step",
        "rates(CosineAnnealingLR(sgd(0.1), T_max=0), 2)",
        'ss.compat("torch:CosineAnnealingLR", base_lr=0.1, T_max=0)',
        "pytorch#194712",
    ),
    Defect(
        "torch",
        "a warmup of one step divides by zero",
        "OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=10, pct_start=0.1)",
        "ss.one_cycle(1.0, 10, rise=0.1)([0, 1, 2])",
        "pytorch#86454",
    ),
    Defect(
        "torch",
        "the update after the last one is at a rate below 0",
        "rates(OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=10, anneal_strategy='linear'), 11)[-2:]",
        "ss.one_cycle(1.0, 10, shape='linear')([9, 10])",
    ),
    Defect(
        "torch",
        "past the end the rate climbs again",
        "rates(CosineAnnealingLR(sgd(1.0), T_max=100), 161)[100::20]",
        "ss.cosine(1.0, 0.0, 100)([100, 120, 140, 160])",
        "pytorch#38170, burn#5128",
    ),
    Defect(
        "torch",
        "`step(epoch)` finds the cycle by the floor of a logarithm: an update that restarts is at the bottom",
        "scheduler = CosineAnnealingWarmRestarts(sgd(1.0), T_0=5, T_mult=3)\nscheduler.step(605)\n"
        "scheduler.get_last_lr()[0]",
        "ss.sgdr(1.0, 5, growth=3)(605)",
    ),
    Defect(
        "torch",
        "what is chained depends on the order: a kind that overwrites the rate cancels those before it",
        "optimizer = sgd(1.0)\nkinds = [ExponentialLR(optimizer, 0.9), LambdaLR(optimizer, lambda k: 0.5)]\n"
        "rates(ChainedScheduler(kinds), 4)",
        "(ss.exponential_decay(1.0, 0.9, every=1) * 0.5)([0, 1, 2, 3])",
        "pytorch#82859",
    ),
    Defect(
        "torch",
        "a sequence inside a sequence loses a step",
        "optimizer = sgd(1.0)\nrise = LinearLR(optimizer, 0.1, 1.0, 3)\n"
        "inner = SequentialLR(optimizer, [rise, ExponentialLR(optimizer, 0.5)], [3])\n"
        "rates(SequentialLR(optimizer, [inner, ConstantLR(optimizer, 0.1, 9)], [6]), 6)",
        "((ss.linear(0.1, 1.0, 3) >> ss.exponential_decay(1.0, 0.5, every=1)[:3]) >> ss.constant(0.1))"
        "([0, 1, 2, 3, 4, 5])",
        "pytorch#196243",
    ),
    Defect(
        "torch",
        "a longer plan is lost on resume: loading the state brings the old length back, and the rate rises",
        "old = CosineAnnealingLR(sgd(1.0), T_max=100)\nrates(old, 101)\n"
        "new = CosineAnnealingLR(old.optimizer, T_max=200)\nnew.load_state_dict(old.state_dict())\n"
        "rates(new, 101)[50::50]",
        "ss.cosine(1.0, 0.0, 100).replan(ss.cosine(1.0, 0.0, 200), at=100, how='adopt')([150, 200])",
        "transformers#34053, open_clip#413",
    ),
    Defect(
        "torch",
        "a group that is added later breaks the scheduler",
        "scheduler = LambdaLR(sgd(1.0), lambda k: 0.5)\n"
        "scheduler.optimizer.add_param_group({'params': [torch.nn.Parameter(torch.zeros(1))]})\nscheduler.step()",
        "ss.constant(0.5)(1)",
        "transformers#20029",
    ),
    Defect(
        "transformers",
        "past the end the rate climbs again",
        "rates(get_scheduler('cosine', sgd(1.0), 0, 100), 161)[100::20]",
        "ss.cosine(1.0, 0.0, 100)([100, 120, 140, 160])",
        "UniRL#223",
    ),
    Defect(
        "transformers",
        "`num_cycles * progress` is rounded down: an update that restarts is at the bottom",
        "rates(get_scheduler('cosine_with_restarts', sgd(1.0), 0, 98, {'num_cycles': 49}), 3)",
        "ss.cosine(1.0, 0.0, 2).repeat(49)([0, 1, 2])",
    ),
    Defect(
        "transformers",
        "`min_lr` is made relative to the optimizer's default rate: another group ends elsewhere",
        "optimizer = torch.optim.SGD([{'params': [torch.nn.Parameter(torch.zeros(1))], 'lr': 1e-2}], lr=1e-3)\n"
        "rates(get_scheduler('cosine_with_min_lr', optimizer, 0, 10, {'min_lr': 1e-4}), 11)[-1]",
        "ss.cosine(1e-2, 1e-4, 10)(10)",
        "pytorch#67761",
    ),
    Defect(
        "transformers",
        "the warmup of `warmup_stable_decay` begins at the floor, those of the others at 0",
        "rates(get_scheduler('warmup_stable_decay', sgd(1.0), 4, 20, {'num_decay_steps': 4, 'min_lr_ratio': 0.2}), 5)",
        "ss.wsd(1.0, 20, warmup=4, cooldown=4, end=0.2, start=0.0)([0, 1, 2, 3, 4])",
    ),
    Defect(
        "transformers",
        "`cosine_warmup_with_min_lr` counts one update more than its siblings: the last update is at the floor already",
        "rates(get_scheduler('cosine_warmup_with_min_lr', sgd(1.0), 10, 100, {'min_lr_rate': 0.1}), 101)[-3:]",
        "ss.warmup_cosine(1.0, 100, warmup=10, end=0.1)([98, 99, 100])",
    ),
    Defect(
        "keras",
        "a whole number as rate makes the schedule one of whole numbers: 0 from update 1 on",
        "[float(schedules.ExponentialDecay(1, 100, 0.96)(k)) for k in (0, 1, 2)]",
        'ss.compat("keras:ExponentialDecay", initial_learning_rate=1, decay_steps=100, decay_rate=0.96)([0, 1, 2])',
    ),
    Defect(
        "keras",
        "the same, with pi as 3",
        "float(schedules.CosineDecay(1, 100)(50))",
        'ss.compat("keras:CosineDecay", initial_learning_rate=1, decay_steps=100)(50)',
    ),
    Defect(
        "keras",
        "compiled, a division by 7 is a product with its inverse, `1 - p` falls below 0, and its root is no number: "
        "after `decay_steps` a training has lost its weights",
        "[float(jax.jit(schedules.PolynomialDecay(0.1, 7, power=0.5))(k)) for k in (6, 7, 8)]",
        'ss.compat("keras:PolynomialDecay", initial_learning_rate=0.1, decay_steps=7, power=0.5)([6, 7, 8])',
    ),
    Defect(
        "keras",
        "by the same product a cycle ends one update early, so that compiled and not compiled differ",
        "cycles = schedules.PolynomialDecay(0.1, 7, cycle=True)\n[float(cycles(21)), float(jax.jit(cycles)(21))]",
        'ss.compat("keras:PolynomialDecay", initial_learning_rate=0.1, decay_steps=7, cycle=True)([21, 21])',
    ),
    Defect(
        "keras",
        "the cycle is found by the floor of a logarithm: an update that restarts is at the bottom",
        "[float(schedules.CosineDecayRestarts(1.0, 10, t_mul=7.0)(k)) for k in (10, 80, 570)]",
        "ss.sgdr(1.0, 10, growth=7)([10, 80, 570])",
    ),
    Defect(
        "optax",
        "a warmup of no length never reaches the peak",
        "[float(optax.warmup_constant_schedule(0.0, 1e-3, 0)(k)) for k in (0, 1, 1000)]",
        "ss.constant(1e-3).warmup(0)([0, 1, 1000])",
    ),
    Defect(
        "optax",
        "a decay to nothing at once does not decay at all",
        "[float(optax.exponential_decay(0.1, 1, decay_rate)(1)) for decay_rate in (0.01, 1e-6, 0.0)]",
        "[ss.exponential_decay(0.1, 1e-2, 1)(1), ss.exponential_decay(0.1, 1e-6, 1)(1), (ss.constant(0.1, 1) >> "
        "ss.constant(0.0))(1)]",
    ),
]


def sgd(lr: float) -> Any:
    """An optimizer with one group."""
    torch = import_module("torch")
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def rates(scheduler: Any, updates: int) -> list[float]:
    """The rates of so many updates, the scheduler stepping between them."""
    found = []
    for update in range(updates):
        if update:
            scheduler.step()
        found.append(float(scheduler.optimizer.param_groups[0]["lr"]))
    return found


def names(library: str) -> dict[str, Any]:
    """What the code of a defect is written with."""
    if library in ("torch", "transformers"):
        torch, optim = import_module("torch"), import_module("torch.optim.lr_scheduler")
        known = {"torch": torch, **vars(optim), "sgd": sgd, "rates": rates}
        return known | ({"get_scheduler": import_module("transformers").get_scheduler} if library != "torch" else {})
    jax = import_module("jax")
    if library == "keras":
        return {"jax": jax, "schedules": import_module("keras").optimizers.schedules}
    return {"jax": jax, "optax": import_module("optax")}


def run(code: str, known: dict[str, Any]) -> Any:
    """The value of the last line, or the error."""
    *statements, last = code.split("\n")
    scope = dict(known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec("\n".join(statements), scope)
            value = eval(last, scope)
        except Exception as error:  # what it raises is the finding
            return f"{type(error).__name__}: {error}"
    return value.tolist() if hasattr(value, "tolist") else value if _plain(value) else str(type(value).__name__)


def _plain(value: Any) -> bool:
    return isinstance(value, float | int | list)


@cache
def theirs() -> dict[Defect, Any]:
    """What each library gives, as it is installed here."""
    found: dict[Defect, Any] = {}
    for library, answers in LIVE.items():
        mine = [one for one in DEFECTS if one.library == library]
        found |= dict(zip(mine, answers(), strict=True))
    return found


def here(library: str) -> list[Any]:
    return [run(one.code, names(library)) for one in DEFECTS if one.library == library]


def ours(defect: Defect) -> Any:
    return run(defect.ours, {"ss": ss})


LIVE: dict[str, Callable[[], list[Any]]] = {
    "torch": lambda: here("torch"),
    "transformers": lambda: here("transformers"),
    "keras": lambda: peers.apart("keras", "tests.compat.defects", KERAS_BACKEND="jax", JAX_ENABLE_X64="0"),
    "optax": lambda: peers.apart("optax", "tests.compat.defects", JAX_ENABLE_X64="0"),
}

if __name__ == "__main__":
    json.dump(here(sys.argv[1]), sys.stdout)
