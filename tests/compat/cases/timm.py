from collections.abc import Iterator
from typing import Any

from . import Case, case

UPDATES: dict[str, Any] = {"t_in_epochs": False}


def cases() -> Iterator[Case]:
    yield from cosine()
    yield from poly_and_tanh()
    yield from steps()
    yield from wsd()
    yield from factory()


def cosine() -> Iterator[Case]:
    call = "timm:CosineLRScheduler"
    yield case(call, 90, lr=0.1, t_initial=60, note="by epoch: step k is epoch k")
    yield case(call, 90, lr=0.1, t_initial=60, lr_min=1e-3, **UPDATES)
    drop = "warmup_prefix=False cuts the curve: the rate falls at the hand-over and never reaches lr"
    yield case(call, 90, lr=0.1, t_initial=60, lr_min=1e-3, warmup_t=10, warmup_lr_init=1e-4, defect=drop, **UPDATES)
    yield case(call, 100, lr=0.1, t_initial=60, warmup_t=10, warmup_lr_init=1e-4, warmup_prefix=True, **UPDATES)
    cycles = {"t_initial": 20, "cycle_decay": 0.5, "cycle_limit": 3}
    yield case(call, 90, lr=0.1, lr_min=1e-4, **cycles, **UPDATES)
    yield case(call, 120, lr=0.1, lr_min=1e-4, warmup_t=5, warmup_prefix=True, **cycles, **UPDATES)
    yield case(call, 120, lr=0.2, t_initial=10, cycle_mul=2.0, cycle_decay=0.8, cycle_limit=3, **UPDATES)
    yield case(call, 90, lr=0.2, t_initial=12, cycle_mul=1.5, cycle_limit=4, lr_min=0.01, **UPDATES)
    yield case(call, 90, lr=1.0, t_initial=5, cycle_mul=3.0, cycle_limit=9, **UPDATES)
    missed = "the cycle is found by floor(log): restart 121 is at the floor, not at the peak"
    yield case(call, 135, lr=1.0, t_initial=1, cycle_mul=3.0, cycle_limit=9, defect=missed, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=60, k_decay=2.0, lr_min=1e-3, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=25, k_decay=0.5, cycle_limit=2, cycle_decay=0.7, **UPDATES)
    floor = "lr_min above the cycle's decayed peak: the cosine runs upwards"
    yield case(call, 50, lr=0.1, t_initial=10, lr_min=0.02, cycle_decay=0.1, cycle_limit=4, defect=floor, **UPDATES)
    noisy = "noise is a torch generator seeded with noise_seed + k: other libraries cannot reproduce it"
    yield case(call, 60, lr=0.1, t_initial=60, noise_range_t=[20, 40], noise_seed=42, defect=noisy, **UPDATES)


def poly_and_tanh() -> Iterator[Case]:
    call = "timm:PolyLRScheduler"
    yield case(call, 90, lr=0.1, t_initial=60, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=60, power=2.0, lr_min=1e-3, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=60, power=1.0, warmup_t=10, warmup_lr_init=1e-3, **UPDATES)
    yield case(call, 100, lr=0.1, t_initial=60, power=0.9, warmup_t=10, warmup_prefix=True, k_decay=1.5, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=20, cycle_decay=0.5, cycle_limit=3, lr_min=1e-3, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=10, cycle_mul=2.0, cycle_limit=3, power=1.0, **UPDATES)
    call = "timm:TanhLRScheduler"
    first = "update 0 uses lr itself (set at construction); the formula's value at 0, a touch lower, is never used"
    yield case(call, 90, lr=0.1, t_initial=60, note=first, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=60, lb=-4.0, ub=4.0, lr_min=1e-3, **UPDATES)
    start = "warmup_prefix=False warms up to the curve's own value at warmup_t: no drop, unlike cosine and poly"
    yield case(call, 90, lr=0.1, t_initial=60, lb=-1.0, warmup_t=10, warmup_lr_init=1e-4, note=start, **UPDATES)
    yield case(call, 100, lr=0.1, t_initial=60, warmup_t=10, warmup_lr_init=1e-4, warmup_prefix=True, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=20, cycle_decay=0.5, cycle_limit=3, lr_min=1e-3, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=10, cycle_mul=2.0, cycle_limit=3, lb=-3.0, ub=2.0, **UPDATES)


def steps() -> Iterator[Case]:
    call = "timm:StepLRScheduler"
    yield case(call, 100, lr=0.1, decay_t=30, decay_rate=0.1, **UPDATES)
    yield case(call, 60, lr=0.1, decay_t=2.4, decay_rate=0.97, note="decay_t need not be whole", **UPDATES)
    warm = {"warmup_t": 5, "warmup_lr_init": 1e-3}
    yield case(call, 80, lr=0.1, decay_t=20, decay_rate=0.5, note="warmup_prefix is True here", **warm, **UPDATES)
    yield case(call, 80, lr=0.1, decay_t=20, decay_rate=0.5, warmup_prefix=False, **warm, **UPDATES)
    yield case(call, 60, lr=0.1, decay_t=20, note="decay_rate is 1 unless given: no decay at all", **UPDATES)
    call, early = "timm:MultiStepLRScheduler", "a milestone m acts at m - 1: kept on purpose, see timm #2745"
    yield case(call, 100, lr=0.1, decay_t=[30, 60, 80], decay_rate=0.1, note=early, **UPDATES)
    yield case(call, 60, lr=0.1, decay_t=[10, 20], decay_rate=0.5, note=early, **warm, **UPDATES)
    yield case(call, 60, lr=0.1, decay_t=[10, 20], decay_rate=0.5, warmup_prefix=False, note=early, **warm, **UPDATES)
    first = "a milestone at 1 acts from update 1: update 0 has the rate set at construction"
    yield case(call, 30, lr=0.1, decay_t=[1, 2, 20], decay_rate=0.5, note=first, **UPDATES)


def wsd() -> Iterator[Case]:
    call, legs = "timm:WSDLRScheduler", ("linear", "1-sqrt", "cosine", "power", "exp")
    yield case(call, 100, lr=0.1, t_initial=60, decay_t=20, **UPDATES)
    warm = {"warmup_t": 10, "warmup_lr_init": 1e-4, "lr_min": 1e-3}
    for leg in legs:
        yield case(call, 110, lr=0.1, t_initial=60, decay_t=20, decay_fn=leg, **warm, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=50, decay_t=50, decay_fn="power", decay_power=2.0, **UPDATES)
    yield case(call, 90, lr=0.1, t_initial=50, decay_t=15, decay_fn="exp", decay_ratio=0.01, **UPDATES)
    yield case(call, 110, lr=0.1, t_initial=70, decay_t=20, stable_fn="rsqrt", decay_fn="linear", **warm, **UPDATES)
    power = {"stable_fn": "power", "stable_power": 0.8, "stable_timescale": 5.0}
    yield case(call, 110, lr=0.1, t_initial=70, decay_t=20, **power, **UPDATES)
    low = "the stable leg is held at lr_min when it would fall below"
    yield case(call, 110, lr=0.1, t_initial=70, decay_t=20, lr_min=0.03, note=low, **power, **UPDATES)


def factory() -> Iterator[Case]:
    call = "timm:create_scheduler_v2"
    by_update = {"step_on_epochs": False, "updates_per_epoch": 10}
    yield case(call, 60, lr=0.1, sched="cosine", num_epochs=40, warmup_epochs=5, note="by epoch: step k is epoch k")
    yield case(call, 90, lr=0.1, sched="cosine", num_epochs=6, warmup_epochs=1, min_lr=1e-5, **by_update)
    yield case(
        call, 90, lr=0.1, sched="cosine", num_epochs=2, cycle_limit=3, warmup_prefix=True, warmup_epochs=1, **by_update
    )
    yield case(call, 90, lr=0.1, sched="tanh", num_epochs=6, warmup_epochs=1, **by_update)
    yield case(
        call, 90, lr=0.1, sched="poly", num_epochs=6, decay_rate=0.9, note="decay_rate is the power", **by_update
    )
    yield case(call, 90, lr=0.1, sched="step", num_epochs=9, decay_epochs=2.5, warmup_epochs=1, **by_update)
    yield case(call, 90, lr=0.1, sched="multistep", num_epochs=9, decay_milestones=[3, 6], **by_update)
    yield case(call, 60, lr=0.1, sched="constant", num_epochs=6, warmup_epochs=1, **by_update)
    yield case(call, 90, lr=0.1, sched="wsd", num_epochs=6, warmup_epochs=1, min_lr=1e-5, **by_update)
    yield case(
        call, 90, lr=0.1, sched="wsd", num_epochs=6, warmup_epochs=1, warmup_prefix=True, decay_epochs=3, **by_update
    )
    yield case(call, 90, lr=0.1, sched="rsqrt", num_epochs=6, warmup_epochs=1, **by_update)
    yield case(call, 90, lr=0.1, sched="rsqrt", num_epochs=6, stable_timescale=2, decay_fn="cosine", **by_update)
