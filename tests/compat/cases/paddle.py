from collections.abc import Iterator

from . import Case, case, part, python


def cases() -> Iterator[Case]:
    yield from simple()
    yield from polynomial_and_steps()
    yield from cosine()
    yield from one_cycle()
    yield from cyclic()
    yield from warmup()


def simple() -> Iterator[Case]:
    zero = "update 0 is at rate 0"
    yield case("paddle:NoamDecay", 120, d_model=512, warmup_steps=40, note=zero)
    yield case("paddle:NoamDecay", 60, d_model=64, warmup_steps=10, learning_rate=0.5, note=zero)
    yield case("paddle:NaturalExpDecay", 90, learning_rate=0.5, gamma=0.1, note="rate * e^(-gamma k), not gamma^k")
    yield case("paddle:NaturalExpDecay", 90, learning_rate=0.1, gamma=0.01)
    yield case("paddle:InverseTimeDecay", 90, learning_rate=0.5, gamma=0.1)
    yield case("paddle:InverseTimeDecay", 90, learning_rate=0.1, gamma=2.0)
    yield case("paddle:ExponentialDecay", 90, learning_rate=0.5, gamma=0.9)
    yield case("paddle:ExponentialDecay", 90, learning_rate=0.01, gamma=0.99)
    yield case("paddle:LambdaDecay", 60, learning_rate=0.5, lr_lambda=python("lambda epoch: 0.95**epoch"))
    yield case("paddle:LambdaDecay", 60, learning_rate=0.5, lr_lambda=python("lambda epoch: 1 / (1 + epoch // 10)"))
    first = "the factor of update 0 is never used: the product begins at 1"
    yield case("paddle:MultiplicativeDecay", 60, learning_rate=0.5, lr_lambda=python("lambda epoch: 0.95"))
    varying = python("lambda epoch: 0.5 if epoch % 10 == 0 else 1.01")
    yield case("paddle:MultiplicativeDecay", 60, learning_rate=0.5, lr_lambda=varying, note=first)
    yield case("paddle:LinearLR", 90, learning_rate=0.5, total_steps=60)
    yield case("paddle:LinearLR", 90, learning_rate=0.5, total_steps=60, start_factor=0.1, end_factor=0.8)
    yield case("paddle:LinearLR", 90, learning_rate=0.5, total_steps=60, start_factor=1.0, end_factor=0.0)


def polynomial_and_steps() -> Iterator[Case]:
    call = "paddle:PolynomialDecay"
    yield case(call, 90, learning_rate=0.5, decay_steps=60, note="end_lr is 1e-4 unless given")
    yield case(call, 90, learning_rate=0.5, decay_steps=60, end_lr=0.01, power=2.0)
    yield case(call, 120, learning_rate=0.5, decay_steps=25, end_lr=0.0, power=0.9, cycle=True)
    late = "a cycle boundary is still at end_lr and the jump comes one later (ceil); the peak of a cycle shrinks"
    yield case(call, 120, learning_rate=0.5, decay_steps=20, end_lr=0.01, cycle=True, note=late)
    yield case("paddle:PiecewiseDecay", 100, boundaries=[30, 60, 80], values=[0.1, 0.01, 0.001, 0.0001])
    yield case("paddle:PiecewiseDecay", 60, boundaries=[3, 6], values=[0.1, 0.5, 0.2])
    yield case("paddle:MultiStepDecay", 100, learning_rate=0.5, milestones=[30, 60, 80], gamma=0.1)
    yield case("paddle:MultiStepDecay", 60, learning_rate=0.5, milestones=[10, 20], gamma=0.8)
    yield case("paddle:StepDecay", 100, learning_rate=0.5, step_size=30)
    yield case("paddle:StepDecay", 60, learning_rate=0.5, step_size=7, gamma=0.8)


def cosine() -> Iterator[Case]:
    climbs = "climbs back after T_max; by recursion, so with rounding that grows"
    yield case("paddle:CosineAnnealingDecay", 60, learning_rate=0.5, T_max=60)
    yield case("paddle:CosineAnnealingDecay", 150, learning_rate=0.5, T_max=50, eta_min=0.01, defect=climbs)
    yield case("paddle:CosineAnnealingDecay", 60, learning_rate=0.5, T_max=10, eta_min=1e-3, defect=climbs)
    call = "paddle:CosineAnnealingWarmRestarts"
    yield case(call, 100, learning_rate=0.5, T_0=25)
    yield case(call, 120, learning_rate=0.5, T_0=10, T_mult=2, eta_min=0.01)
    yield case(call, 210, learning_rate=1.0, T_0=5, T_mult=3, note="exact, since it counts")


def one_cycle() -> Iterator[Case]:
    call = "paddle:OneCycleLR"
    ends = (
        "the last planned update is total_steps - 1; update total_steps still answers, beyond the end; then it raises"
    )
    yield case(call, 60, max_learning_rate=0.5, total_steps=60)
    yield case(call, 61, max_learning_rate=0.5, total_steps=60, end_learning_rate=1e-6, defect=ends)
    yield case(call, 61, max_learning_rate=0.5, total_steps=60, anneal_strategy="linear", defect=ends + " (below 0)")
    yield case(call, 60, max_learning_rate=0.5, total_steps=60, phase_pct=0.25, three_phase=True)
    linear = {"anneal_strategy": "linear", "divide_factor": 10.0, "end_learning_rate": 1e-3}
    yield case(call, 75, max_learning_rate=0.5, total_steps=75, phase_pct=0.37, three_phase=True, **linear)
    yield case(call, 75, max_learning_rate=0.5, total_steps=75, phase_pct=0.37, note="the joint is not whole", **linear)


def cyclic() -> Iterator[Case]:
    call, ends = "paddle:CyclicLR", {"base_learning_rate": 0.1, "max_learning_rate": 1.0}
    yield case(call, 100, **ends, step_size_up=15)
    yield case(call, 100, **ends, step_size_up=15, step_size_down=5)
    yield case(call, 120, **ends, step_size_up=10, step_size_down=20, mode="triangular2")
    yield case(call, 100, **ends, step_size_up=10, mode="exp_range", exp_gamma=0.98)
    scale = python("lambda x: 0.9**x")
    yield case(call, 100, **ends, step_size_up=10, scale_fn=scale, note="x is the cycle, from 1")
    yield case(call, 100, **ends, step_size_up=10, scale_fn=scale, scale_mode="iterations", note="x is the update")


def warmup() -> Iterator[Case]:
    call, rise = "paddle:LinearWarmup", {"warmup_steps": 20, "start_lr": 0.0, "end_lr": 0.5}
    yield case(call, 60, learning_rate=0.5, **rise)
    jump = "end_lr need not be where learning_rate begins: there is a jump"
    yield case(call, 60, learning_rate=0.1, warmup_steps=10, start_lr=0.01, end_lr=0.3, note=jump)
    inner = part("paddle:CosineAnnealingDecay", learning_rate=0.5, T_max=60, eta_min=0.01)
    closed = "inside a warmup the closed form is used; it climbs back after warmup_steps + T_max"
    yield case(call, 120, learning_rate=inner, **rise, defect=closed)
    yield case(call, 100, learning_rate=part("paddle:PolynomialDecay", learning_rate=0.5, decay_steps=50), **rise)
    yield case(call, 100, learning_rate=part("paddle:ExponentialDecay", learning_rate=0.5, gamma=0.95), **rise)
    yield case(call, 100, learning_rate=part("paddle:StepDecay", learning_rate=0.4, step_size=15, gamma=0.5), **rise)
    inner = part("paddle:CosineAnnealingWarmRestarts", learning_rate=0.5, T_0=10, T_mult=2)
    yield case(call, 120, learning_rate=inner, **rise)
    inner = part("paddle:CosineAnnealingWarmRestarts", learning_rate=1.0, T_0=1, T_mult=3)
    missed = "inside a warmup the cycle is found by log: restart 121 (update 141) is at the floor, not at the peak"
    yield case(call, 155, learning_rate=inner, **rise, defect=missed)
