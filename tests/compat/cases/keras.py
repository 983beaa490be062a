from collections.abc import Iterator
from itertools import product

from . import Case, case


def cases() -> Iterator[Case]:
    call = "keras:ExponentialDecay"
    for steps, rate, stairs in product((1, 10, 33.5), (0.5, 0.96, 1.02), (False, True)):
        yield case(call, 160, initial_learning_rate=0.1, decay_steps=steps, decay_rate=rate, staircase=stairs)
    call = "keras:InverseTimeDecay"
    for steps, rate, stairs in product((1, 10, 33.5), (0.1, 0.5, 3.0), (False, True)):
        yield case(call, 160, initial_learning_rate=0.1, decay_steps=steps, decay_rate=rate, staircase=stairs)
    call = "keras:PiecewiseConstantDecay"
    yield case(call, 60, boundaries=[10, 30], values=[1.0, 0.5, 0.1])
    yield case(call, 60, boundaries=[0], values=[1.0, 0.5])
    yield case(call, 60, boundaries=[5, 6, 50], values=[0.1, 1.0, 0.3, 0.2])
    call = "keras:PolynomialDecay"
    for steps, power, cycle in product((1, 7, 40), (0.5, 1.0, 2.0), (False, True)):
        yield case(call, 130, initial_learning_rate=0.1, decay_steps=steps, power=power, cycle=cycle)
    yield case(call, 90, initial_learning_rate=0.1, decay_steps=20.5, end_learning_rate=0.02, power=1.5)
    yield case(call, 90, initial_learning_rate=0.01, decay_steps=20, end_learning_rate=0.2, cycle=True)
    yield from cosine()


def cosine() -> Iterator[Case]:
    call = "keras:CosineDecay"
    for steps, alpha in product((1, 50, 33.5), (0.0, 0.1)):
        yield case(call, 100, initial_learning_rate=0.1, decay_steps=steps, alpha=alpha)
    for warmup, start, alpha in product((0, 1, 20), (0.0, 0.05), (0.0, 0.1)):
        warm = {"warmup_target": 0.5, "warmup_steps": warmup}
        yield case(call, 120, initial_learning_rate=start, decay_steps=50, alpha=alpha, **warm)
    call = "keras:CosineDecayRestarts"
    for t_mul, m_mul, alpha in product((1.0, 1.5, 2.0), (1.0, 0.8), (0.0, 0.1)):
        growth = {"t_mul": t_mul, "m_mul": m_mul}
        yield case(call, 200, initial_learning_rate=0.1, first_decay_steps=12, alpha=alpha, **growth)
    yield case(call, 200, initial_learning_rate=0.1, first_decay_steps=7.5, t_mul=1.0)
    yield case(call, 200, initial_learning_rate=0.1, first_decay_steps=10, t_mul=1.3)
