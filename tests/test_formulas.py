"""`docs/formulas.md`: its tables and pictures are current, and what it says of optimizers holds in `torch.optim`."""

import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepsize as ss

torch = pytest.importorskip("torch", reason="the published forms are those of torch.optim")
from stepsize.torch import Scheduler  # noqa: E402

DOCS = Path(__file__).parents[1] / "docs"
MADE = runpy.run_path(str(DOCS / "make_formulas.py"))
PAGE = (DOCS / "formulas.md").read_text(encoding="utf-8")
STEPS = np.arange(101)
GRADIENTS = np.random.default_rng(0).normal(size=60) * np.geomspace(1, 1e-3, 60)
FIRST = 1.5  # the weight before training


@pytest.mark.parametrize("name", MADE["FORMULAS"])
def test_the_call_on_the_page_has_the_values_of_the_printed_formula_and_not_those_of_the_name(name: str) -> None:
    row = MADE["FORMULAS"][name]
    printed = [row.printed(int(step)) for step in STEPS]
    np.testing.assert_allclose(row.equals(STEPS), printed, rtol=1e-12, atol=1e-16)
    assert np.abs(row.named(STEPS) - printed).max() > 0.01


@pytest.mark.parametrize("name", MADE["FORMULAS"])
def test_the_table_on_the_page_is_current(name: str) -> None:
    assert MADE["FORMULAS"][name].table() in PAGE


def test_the_pictures_are_current_and_on_the_page() -> None:
    drawn = MADE["pictures"]()
    assert drawn == {path.name: path.read_text(encoding="utf-8") for path in MADE["FOLDER"].glob("*.svg")}
    assert all(f"(pictures/formulas/{name})" in PAGE for name in drawn)


# An optimizer by hand is a generator: it takes (gradient, weight, rate) and gives the new weight.
Rule = Callable[..., Any]


def momentum(beta: float = 0.9) -> Any:
    g, w, lr = yield 0.0
    v = 0.0
    while True:
        v = beta * v + g
        g, w, lr = yield w - lr * v


def momentum_with_the_sign_twice(beta: float = 0.9) -> Any:
    g, w, lr = yield 0.0
    v = 0.0
    while True:
        v = beta * v - lr * g
        g, w, lr = yield w - v


def momentum_with_the_rate_inside(beta: float = 0.9) -> Any:
    g, w, lr = yield 0.0
    v = 0.0
    while True:
        v = beta * v - lr * g
        g, w, lr = yield w + v


def averaged_momentum(beta: float = 0.9) -> Any:
    g, w, lr = yield 0.0
    v = 0.0
    while True:
        v = beta * v + (1 - beta) * g
        g, w, lr = yield w - lr * v


def adagrad(eps: float = 1e-10, inside: bool = False, root: bool = True) -> Any:
    g, w, lr = yield 0.0
    total = 0.0
    while True:
        total += g * g
        g, w, lr = yield w - lr * g / denominator(total, eps, inside, root)


def rmsprop(rho: float = 0.99, eps: float = 1e-8, inside: bool = False, root: bool = True) -> Any:
    g, w, lr = yield 0.0
    v = 0.0
    while True:
        v = rho * v + (1 - rho) * g * g
        g, w, lr = yield w - lr * g / denominator(v, eps, inside, root)


def adam(
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    coupled: float = 0.0,
    decoupled: float = 0.0,
    corrected: bool = True,
    first: int = 1,
    root: bool = True,
) -> Any:
    g, w, lr = yield 0.0
    m, v, t = 0.0, 0.0, first
    while True:
        g += coupled * w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        m_hat, v_hat = (m / (1 - b1**t), v / (1 - b2**t)) if corrected else (m, v)
        t += 1
        g, w, lr = yield w - lr * decoupled * w - lr * m_hat / denominator(v_hat, eps, False, root)


def denominator(v: float, eps: float, inside: bool, root: bool) -> float:
    if not root:
        return v + eps
    return math.sqrt(v + eps) if inside else math.sqrt(v) + eps


def by_hand(rule: Any, lr: Any = 0.01, gradients: Any = GRADIENTS) -> list[float]:
    """The weights after each update."""
    next(rule)
    weights, w = [], FIRST
    for k, g in enumerate(gradients):
        w = rule.send((float(g), w, lr(k) if isinstance(lr, ss.Schedule) else lr))
        weights.append(w)
    return weights


def by_torch(kind: Any, lr: Any = 0.01, gradients: Any = GRADIENTS, **settings: Any) -> list[float]:
    weight = torch.tensor([FIRST], dtype=torch.float64, requires_grad=True)
    optimizer = kind([weight], lr=0.01, **settings)
    scheduler = Scheduler(optimizer, lr=lr)
    weights = []
    for g in gradients:
        weight.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        scheduler.step()
        weights.append(weight.item())
    return weights


def agree(one: list[float], other: list[float]) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=1e-12))


optim = torch.optim
SCHEDULE = ss.warmup_cosine(0.02, 60, 5)


@pytest.mark.parametrize("lr", [0.01, SCHEDULE], ids=["fixed", "scheduled"])
@pytest.mark.parametrize(
    ("rule", "kind", "settings"),
    [
        (momentum, optim.SGD, {"momentum": 0.9}),
        (adagrad, optim.Adagrad, {}),
        (rmsprop, optim.RMSprop, {}),
        (adam, optim.Adam, {}),
        (lambda: adam(coupled=0.1), optim.Adam, {"weight_decay": 0.1}),
        (lambda: adam(decoupled=0.1), optim.AdamW, {"weight_decay": 0.1}),
    ],
    ids=["momentum", "adagrad", "rmsprop", "adam", "adam with L2", "adamw"],
)
def test_torch_has_the_published_form(rule: Rule, kind: Any, settings: dict[str, Any], lr: Any) -> None:
    assert agree(by_hand(rule(), lr), by_torch(kind, lr, **settings))


@pytest.mark.parametrize("rule", [adagrad, rmsprop, adam])
def test_without_the_root_a_gradient_ten_times_as_large_moves_the_weight_a_tenth_as_far(rule: Any) -> None:
    def moved(size: float, **slip: Any) -> float:
        return FIRST - by_hand(rule(eps=0.0, **slip), gradients=[size])[0]

    assert moved(10.0, root=False) == pytest.approx(moved(1.0, root=False) / 10)
    assert moved(10.0) == pytest.approx(moved(1.0))  # the published form does not mind the size


@pytest.mark.parametrize("rule", [adagrad, lambda **slip: rmsprop(rho=0.0, **slip)], ids=["adagrad", "rmsprop"])
def test_epsilon_inside_the_root_slows_small_gradients_a_hundredfold(rule: Any) -> None:
    inside, outside = (
        (FIRST - by_hand(rule(eps=1e-8, inside=slip), lr=1.0, gradients=[1e-6])[0]) for slip in (True, False)
    )
    assert outside / inside == pytest.approx(99, rel=1e-3)


def test_adam_without_bias_correction_is_published_adam_on_a_schedule() -> None:
    lr = 0.01 * ss.function(lambda k: (1 - 0.9 ** (k + 1)) / math.sqrt(1 - 0.999 ** (k + 1)))
    assert agree(by_hand(adam(eps=0.0, corrected=False)), by_torch(optim.Adam, lr, eps=0.0))
    factors = [lr(k) / 0.01 for k in range(3_000)]
    assert factors[0] == pytest.approx(0.1 / math.sqrt(0.001))
    assert max(factors) == factors[11] == pytest.approx(6.57, abs=0.005)
    assert factors[-1] == pytest.approx(1.03, abs=0.005)


def test_adam_that_counts_from_0_divides_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        by_hand(adam(first=0))


def test_adam_with_its_weights_swapped_is_adam_with_betas_near_0() -> None:
    swapped = by_hand(adam(b1=1 - 0.9, b2=1 - 0.999))
    assert agree(swapped, by_torch(optim.Adam, betas=(0.1, 0.001)))
    assert not agree(swapped, by_torch(optim.Adam))


def test_momentum_with_its_sign_twice_climbs() -> None:
    uphill = by_hand(momentum_with_the_sign_twice(), gradients=[1.0] * 5)
    downhill = by_hand(momentum(), gradients=[1.0] * 5)
    assert all(w > FIRST for w in uphill)
    assert all(w < FIRST for w in downhill)


@pytest.mark.parametrize("lr", [0.01, SCHEDULE], ids=["fixed", "scheduled"])
def test_averaged_momentum_is_published_momentum_at_a_tenth_of_the_rate(lr: Any) -> None:
    assert agree(by_hand(averaged_momentum(), lr), by_torch(optim.SGD, 0.1 * lr, momentum=0.9))


def test_dampening_does_not_make_the_average() -> None:
    assert not agree(by_hand(averaged_momentum(beta=0.9)), by_torch(optim.SGD, momentum=0.9, dampening=0.9))


def test_the_rate_inside_the_velocity_is_the_same_for_a_fixed_rate_only() -> None:
    assert agree(by_hand(momentum_with_the_rate_inside()), by_torch(optim.SGD, momentum=0.9))
    assert not agree(by_hand(momentum_with_the_rate_inside(), SCHEDULE), by_torch(optim.SGD, SCHEDULE, momentum=0.9))


def test_coupled_decay_is_decoupled_decay_for_plain_sgd_and_not_for_adam() -> None:
    decay = 0.1
    w, beside = FIRST, []
    for k, g in enumerate(GRADIENTS):
        w = w - SCHEDULE(k) * decay * w - SCHEDULE(k) * g
        beside.append(w)
    assert agree(beside, by_torch(optim.SGD, SCHEDULE, weight_decay=decay))
    assert not agree(by_hand(adam(coupled=decay)), by_hand(adam(decoupled=decay)))


def test_the_decay_of_the_paper_is_that_of_torch_times_the_peak() -> None:
    peak, decay = 0.02, 1e-3
    shape = ss.warmup_cosine(1.0, 60, 5)  # the paper's eta
    next(rule := adam())
    w, paper = FIRST, []
    for k, g in enumerate(GRADIENTS):
        w = rule.send((float(g), w, shape(k) * peak)) - shape(k) * decay * w
        paper.append(w)
    assert agree(paper, by_torch(optim.AdamW, peak * shape, weight_decay=decay / peak))
