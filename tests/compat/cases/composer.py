from collections.abc import Iterator
from typing import Any

from . import Case, case

HUNDRED: dict[str, Any] = {"lr": 0.1, "max_duration": "100ba", "dataloader_len": 10}
EPOCHS: dict[str, Any] = {"lr": 0.1, "max_duration": "10ep", "dataloader_len": 9}


def cases() -> Iterator[Case]:
    yield from steps()
    yield from curves()
    yield from warm()


def trained() -> Iterator[Case]:
    """Few, since each is a real training; the lag that they show is the same for all."""
    run: dict[str, Any] = {"lr": 0.1, "max_duration": "40ba", "dataloader_len": 10}
    yield case("composer:LinearWithWarmupScheduler", 40, t_warmup="8ba", **run)
    yield case("composer:CosineAnnealingWithWarmupScheduler", 40, t_warmup="1ep", alpha_f=0.1, **run)
    yield case("composer:MultiStepScheduler", 40, milestones=["10ba", "3ep"], **run)
    yield case("composer:CosineAnnealingScheduler", 20, **run, scale_schedule_ratio=0.5)
    epochs = run | {"max_duration": "4ep"}
    yield case("composer:StepScheduler", 40, step_size="1ep", gamma=0.5, **epochs)


def steps() -> Iterator[Case]:
    yield case("composer:StepScheduler", 100, step_size="30ba", **HUNDRED)
    yield case("composer:StepScheduler", 90, step_size="2ep", gamma=0.5, **EPOCHS)
    yield case("composer:StepScheduler", 90, step_size="0.29dur", gamma=0.5, **HUNDRED, note="0.29dur is 28ba: int()")
    ratio = "milestones in batches are scaled, those in dur follow max_duration, itself scaled"
    stones = ["30ba", "0.6dur", "8ep"]
    yield case("composer:MultiStepScheduler", 120, milestones=stones, **HUNDRED)
    yield case("composer:MultiStepScheduler", 90, milestones=stones, **HUNDRED, scale_schedule_ratio=0.5, note=ratio)
    yield case(
        "composer:MultiStepScheduler",
        130,
        milestones=["320sp", "3e3tok"],
        gamma=0.3,
        **HUNDRED,
        batch_size=8,
        tokens=32,
    )
    back = "alpha holds until t_max, then the rate is lr itself: a temporary factor"
    yield case("composer:ConstantScheduler", 120, **HUNDRED)
    yield case("composer:ConstantScheduler", 120, alpha=0.3, t_max="0.5dur", **HUNDRED, note=back)
    yield case("composer:ConstantScheduler", 60, alpha=2.0, t_max="3ep", **EPOCHS, note=back)


def curves() -> Iterator[Case]:
    yield case("composer:LinearScheduler", 150, **HUNDRED)
    yield case("composer:LinearScheduler", 120, alpha_i=0.2, alpha_f=1.5, t_max="60ba", **HUNDRED)
    yield case("composer:LinearScheduler", 120, alpha_f=0.1, t_max="0.7dur", **EPOCHS)
    yield case("composer:ExponentialScheduler", 90, gamma=0.9, **EPOCHS, note="smooth: gamma**(k / decay_period)")
    yield case("composer:ExponentialScheduler", 90, gamma=0.5, decay_period="25ba", **HUNDRED)
    yield case("composer:CosineAnnealingScheduler", 150, **HUNDRED)
    yield case("composer:CosineAnnealingScheduler", 150, alpha_f=0.1, t_max="0.8dur", **HUNDRED)
    yield case("composer:CosineAnnealingScheduler", 120, alpha_f=0.05, t_max="6ep", **EPOCHS, scale_schedule_ratio=0.5)
    call = "composer:CosineAnnealingWarmRestartsScheduler"
    yield case(call, 120, t_0="25ba", **HUNDRED)
    yield case(call, 120, t_0="10ba", t_mult=2.0, alpha_f=0.1, **HUNDRED)
    truncated = "each interval is int(t_mult * the last one): 10, 15, 22, 33, …"
    yield case(call, 120, t_0="10ba", t_mult=1.5, **HUNDRED, note=truncated)
    shrink = "t_mult < 1 ends in ValueError when an interval reaches 0: here at batch 38 (20 + 10 + 5 + 2 + 1)"
    yield case(call, 38, t_0="20ba", t_mult=0.5, **HUNDRED, defect=shrink)
    yield case("composer:PolynomialScheduler", 150, power=2.0, **HUNDRED)
    yield case("composer:PolynomialScheduler", 120, power=0.9, t_max="60ba", alpha_f=0.1, **HUNDRED)


def warm() -> Iterator[Case]:
    ten, part_ = {"t_warmup": "10ba", **HUNDRED}, {"t_warmup": "0.15dur", **HUNDRED}
    call = "composer:MultiStepWithWarmupScheduler"
    yield case(call, 120, milestones=["40ba", "80ba"], **ten, note="milestones count from update 0, warmup included")
    yield case(
        call, 120, milestones=["5ba", "80ba"], gamma=0.5, **ten, note="a milestone inside the warmup acts at its end"
    )
    for scale in (False, True):
        yield case(call, 70, milestones=["60ba"], **ten, scale_warmup=scale, scale_schedule_ratio=0.5)
    yield case("composer:ConstantWithWarmupScheduler", 120, **ten)
    yield case("composer:ConstantWithWarmupScheduler", 120, alpha=0.5, **part_)
    call = "composer:LinearWithWarmupScheduler"
    yield case(call, 150, **ten)
    yield case(call, 150, alpha_i=0.8, alpha_f=0.1, t_max="120ba", **part_)
    yield case(call, 90, **ten, scale_schedule_ratio=0.6)
    flat = "scale_warmup scales the ramp, not the hand-over at t_warmup: full at 6, then flat until 10"
    yield case(call, 90, **ten, scale_warmup=True, scale_schedule_ratio=0.6, defect=flat)
    jump = "scale_warmup scales the ramp, not the hand-over at t_warmup: cut at 45 %, then a jump to the peak"
    yield case(call, 240, **ten, scale_warmup=True, scale_schedule_ratio=2.0, defect=jump)
    call = "composer:CosineAnnealingWithWarmupScheduler"
    yield case(call, 150, **ten)
    yield case(call, 150, alpha_f=0.1, t_max="120ba", **part_)
    yield case(call, 135, alpha_f=0.02, t_warmup="2ep", **EPOCHS)
    call = "composer:PolynomialWithWarmupScheduler"
    yield case(call, 150, **ten, note="power is 2 unless given; PolynomialScheduler has no default")
    yield case(call, 150, power=0.5, alpha_f=0.1, t_max="120ba", **part_)
