from collections.abc import Iterator
from itertools import product

from . import Case, case, part, python


def cases() -> Iterator[Case]:
    yield from factors()
    yield from cosines()
    yield from cyclic()
    yield from one_cycle()
    yield from joined()
    yield from functions()


def factors() -> Iterator[Case]:
    for size, gamma in product((1, 7, 30), (0.1, 0.5, 0.99, 1.0)):
        yield case("torch:StepLR", 90, base_lr=0.1, step_size=size, gamma=gamma)
    yield case("torch:StepLR", 90, base_lr=0.1, step_size=30)
    yield case("torch:StepLR", 20, base_lr=0.1, step_size=5, gamma=0.0)
    for at in ([30, 60], [1], [60, 30], [5, 5, 40], [0, 10], [], [89, 90]):
        yield case("torch:MultiStepLR", 90, base_lr=0.1, milestones=at)
    yield case("torch:MultiStepLR", 200, base_lr=0.3, milestones=[30, 60, 90], gamma=0.2)
    yield case("torch:ConstantLR", 20, base_lr=0.1)
    for factor, total in product((0.1, 0.5, 1.0), (0, 1, 4, 15)):
        yield case("torch:ConstantLR", 30, base_lr=0.05, factor=factor, total_iters=total)
    yield case("torch:LinearLR", 20, base_lr=0.1)
    for start, end, total in product((1e-8, 0.1, 1.0), (1.0, 0.05), (0, 1, 7, 60)):
        yield case("torch:LinearLR", 120, base_lr=0.2, start_factor=start, end_factor=end, total_iters=total)
    yield case("torch:LinearLR", 40, base_lr=0.2, start_factor=1.0, end_factor=0.0, total_iters=20)
    for gamma in (0.5, 0.9, 0.999, 1.0, 1.05, 0.0):
        yield case("torch:ExponentialLR", 120, base_lr=0.1, gamma=gamma)
    yield case("torch:PolynomialLR", 20, base_lr=0.1)
    for total, power in product((0, 1, 7, 60), (0.5, 0.9, 1.0, 2.0, 3.3, 0.0)):
        yield case("torch:PolynomialLR", 120, base_lr=0.1, total_iters=total, power=power)


def cosines() -> Iterator[Case]:
    for period, floor in product((1, 2, 7, 50, 100), (0.0, 1e-3, 0.3)):
        yield case("torch:CosineAnnealingLR", 4 * period + 5, base_lr=0.1, T_max=period, eta_min=floor)
    for first, growth, floor in product((1, 5, 12), (1, 2, 3), (0.0, 1e-4)):
        call = "torch:CosineAnnealingWarmRestarts"
        yield case(call, 400, base_lr=0.1, T_0=first, T_mult=growth, eta_min=floor)


def cyclic() -> Iterator[Case]:
    call, ends = "torch:CyclicLR", {"base_lr": 0.01, "max_lr": 0.1}
    yield case(call, 9000, **ends)
    for up, down, mode in product((1, 10, 7.5), (None, 1, 4, 21), ("triangular", "triangular2", "exp_range")):
        yield case(call, 120, **ends, step_size_up=up, step_size_down=down, mode=mode, gamma=0.98)
    yield case(call, 60, base_lr=0.1, max_lr=0.01, step_size_up=10)
    yield case(call, 60, **ends, step_size_up=9, cycle_momentum=False)
    scale = python("lambda x: 0.9**x")
    yield case(call, 90, **ends, step_size_up=10, scale_fn=scale)
    yield case(call, 90, **ends, step_size_up=10, scale_fn=scale, scale_mode="iterations")
    yield case(call, 90, **ends, step_size_up=7.5, step_size_down=5, scale_fn=python("lambda x: 1 / x"))


def one_cycle() -> Iterator[Case]:
    call = "torch:OneCycleLR"
    for total, strategy, phases in product((5, 60, 97, 100), ("cos", "linear"), (False, True)):
        yield case(call, total + 1, max_lr=0.1, total_steps=total, anneal_strategy=strategy, three_phase=phases)
    for share, phases in product((0.01, 0.05, 0.25, 0.333, 0.45, 1 / 3), (False, True)):
        yield case(call, 61, max_lr=0.1, total_steps=60, pct_start=share, three_phase=phases)
    for share in (0.0, 0.5, 0.77, 0.99):
        yield case(call, 61, max_lr=0.1, total_steps=60, pct_start=share)
    yield case(call, 60, max_lr=0.1, total_steps=60, pct_start=1.0)
    yield case(call, 61, max_lr=0.1, total_steps=60, pct_start=0.7, three_phase=True)
    yield case(call, 61, max_lr=0.1, total_steps=60, pct_start=0.0, three_phase=True, anneal_strategy="linear")
    yield case(call, 211, max_lr=0.1, epochs=7, steps_per_epoch=30, div_factor=10.0, final_div_factor=100.0)
    yield case(call, 2, max_lr=0.1, total_steps=1)


def joined() -> Iterator[Case]:
    call, decay = "torch:SequentialLR", part("torch:ExponentialLR", base_lr=0.1, gamma=0.9)
    rise = part("torch:LinearLR", base_lr=0.1, start_factor=0.01, total_iters=10)
    short = part("torch:LinearLR", base_lr=0.1, start_factor=0.5, total_iters=3)
    hold = part("torch:ConstantLR", base_lr=0.1, factor=0.25, total_iters=4)
    cosine = part("torch:CosineAnnealingLR", base_lr=0.1, T_max=40, eta_min=1e-3)
    restarts = part("torch:CosineAnnealingWarmRestarts", base_lr=0.1, T_0=6, T_mult=2)
    steps = part("torch:StepLR", base_lr=0.1, step_size=8, gamma=0.5)
    for first, second in product((rise, short, hold), (cosine, decay, restarts, steps)):
        yield case(call, 100, schedulers=[first, second], milestones=[10])
    yield case(call, 100, schedulers=[short, steps, cosine], milestones=[9, 40])
    yield case(call, 60, schedulers=[cosine, decay], milestones=[20])
    call = "torch:ChainedScheduler"
    late = part("torch:MultiStepLR", base_lr=0.1, milestones=[20, 30], gamma=0.3)
    poly = part("torch:PolynomialLR", base_lr=0.1, total_iters=40, power=2.0)
    for one, other in ((hold, decay), (rise, steps), (rise, late), (late, poly), (decay, steps)):
        yield case(call, 60, base_lr=0.1, schedulers=[one, other])
    yield case(call, 60, base_lr=0.1, schedulers=[hold, late, decay])


def functions() -> Iterator[Case]:
    yield case("torch:LambdaLR", 90, base_lr=0.1, lr_lambda=python("lambda epoch: 0.95**epoch"))
    yield case("torch:LambdaLR", 90, base_lr=0.1, lr_lambda=python("lambda epoch: 1 / (1 + epoch // 10)"))
    call = "torch:MultiplicativeLR"
    yield case(call, 90, base_lr=0.1, lr_lambda=python("lambda epoch: 0.95"))
    varying = python("lambda epoch: 0.5 if epoch % 10 == 0 else 1.0")
    yield case(call, 90, base_lr=0.1, lr_lambda=varying)
    for strategy, epochs in product(("cos", "linear"), (0, 1, 10)):
        yield case("torch:SWALR", 30, base_lr=0.1, swa_lr=0.02, anneal_epochs=epochs, anneal_strategy=strategy)
