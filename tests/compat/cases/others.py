from collections.abc import Iterator

from . import Case, case, part


def fvcore() -> Iterator[Case]:
    half = part("fvcore:LinearParamScheduler", start_value=0.0, end_value=0.1)
    decay = part("fvcore:CosineParamScheduler", start_value=0.1, end_value=0.001)
    raises = "raises at where = 1"
    yield case("fvcore:ConstantParamScheduler", 60, value=0.1, max_iter=60, note=raises)
    yield case(
        "fvcore:CosineParamScheduler",
        90,
        start_value=0.1,
        end_value=0.001,
        max_iter=60,
        defect="climbs back after the end",
    )
    yield case(
        "fvcore:ExponentialParamScheduler",
        90,
        start_value=2.0,
        decay=0.02,
        max_iter=60,
        note="decay is over the whole run",
    )
    yield case(
        "fvcore:LinearParamScheduler", 90, start_value=0.1, end_value=0.001, max_iter=60, note="goes on after the end"
    )
    yield case("fvcore:PolynomialDecayParamScheduler", 60, base_value=0.1, power=0.9, max_iter=60)
    steps = {"values": [0.1, 0.01, 0.001], "milestones": [30, 60], "num_updates": 90}
    yield case("fvcore:MultiStepParamScheduler", 90, **steps, max_iter=90)
    yield case("fvcore:MultiStepParamScheduler", 60, values=[0.1, 0.01, 0.001], milestones=[3, 6, 9], max_iter=60)
    yield case("fvcore:StepParamScheduler", 60, num_updates=60, values=[0.1, 0.05, 0.01], max_iter=60)
    yield case(
        "fvcore:StepWithFixedGammaParamScheduler",
        60,
        base_value=0.1,
        num_decays=3,
        gamma=0.1,
        num_updates=60,
        max_iter=60,
    )
    composite = {"schedulers": [half, decay], "lengths": [0.2, 0.8]}
    for scaling in (["rescaled", "rescaled"], ["rescaled", "fixed"]):
        yield case("fvcore:CompositeParamScheduler", 60, **composite, interval_scaling=scaling, max_iter=60)


def ignite() -> Iterator[Case]:
    ends = {"start_value": 0.01, "end_value": 0.1}
    yield case("ignite:LinearCyclicalScheduler", 60, **ends, cycle_size=20)
    yield case("ignite:LinearCyclicalScheduler", 90, **ends, cycle_size=10, cycle_mult=2.0, end_value_mult=0.5)
    yield case("ignite:LinearCyclicalScheduler", 60, **ends, cycle_size=15, monotonic=True, warmup_duration=5)
    yield case("ignite:CosineAnnealingScheduler", 90, start_value=0.1, end_value=0.001, cycle_size=30)
    yield case(
        "ignite:CosineAnnealingScheduler",
        90,
        start_value=0.1,
        end_value=0.001,
        cycle_size=10,
        cycle_mult=2.0,
        start_value_mult=0.5,
    )
    yield case("ignite:PiecewiseLinear", 60, milestones_values=[[10, 0.5], [20, 0.45], [21, 0.3], [40, 0.1]])
    cosine = part("ignite:CosineAnnealingScheduler", start_value=0.1, end_value=0.001, cycle_size=40)
    linear = part("ignite:LinearCyclicalScheduler", start_value=0.0, end_value=0.1, cycle_size=20)
    yield case("ignite:ConcatScheduler", 80, schedulers=[linear, cosine], durations=[10])
    yield case(
        "ignite:create_lr_scheduler_with_warmup",
        60,
        lr_scheduler=cosine,
        warmup_start_value=0.0,
        warmup_duration=10,
        warmup_end_value=0.1,
    )
    yield case(
        "ignite:create_lr_scheduler_with_warmup",
        60,
        lr_scheduler=cosine,
        warmup_start_value=0.0,
        warmup_duration=10,
        warmup_end_value=0.2,
    )


def pytorch_optimizer() -> Iterator[Case]:
    twice = "update 0 has min_lr (set at construction), update 1 init_lr, and so on: one late"
    warm = {"t_max": 60, "max_lr": 0.1, "min_lr": 0.001, "init_lr": 0.01, "warmup_steps": 10}
    yield case("pytorch_optimizer:LinearScheduler", 90, **warm, defect=twice + "; goes on below min_lr after the end")
    yield case("pytorch_optimizer:CosineScheduler", 90, **warm, defect=twice + "; climbs back after the end")
    yield case("pytorch_optimizer:CosineScheduler", 60, t_max=60, max_lr=0.1, defect=twice)
    yield case("pytorch_optimizer:PolyScheduler", 90, poly_order=0.5, **warm, defect=twice + "; grows past max_lr")
    restarts = {"first_cycle_steps": 20, "max_lr": 0.1, "min_lr": 0.001, "warmup_steps": 5}
    yield case("pytorch_optimizer:CosineAnnealingWarmupRestarts", 90, **restarts, note="gamma is 0.9 unless given")
    yield case("pytorch_optimizer:CosineAnnealingWarmupRestarts", 90, **restarts, cycle_mult=1.5, gamma=0.5)
    rex = "update 0 has min_lr; update 1 gets the rate meant for 1, since construction has already stepped once"
    yield case("pytorch_optimizer:REXScheduler", 90, total_steps=60, max_lr=0.1, min_lr=0.001, defect=rex)
    wsd = {"lr": 0.1, "num_warmup_steps": 10, "num_stable_steps": 30, "num_decay_steps": 20}
    for leg in ("1-sqrt", "linear", "1-square", "cosine"):
        yield case("pytorch_optimizer:get_wsd_schedule", 90, **wsd, cooldown_type=leg)
    up = "every leg but cosine decays to 0 and then jumps up to min_lr_ratio"
    yield case("pytorch_optimizer:get_wsd_schedule", 90, **wsd, min_lr_ratio=0.1, defect=up)
    yield case("pytorch_optimizer:get_wsd_schedule", 90, **wsd, min_lr_ratio=0.1, cooldown_type="cosine")
    thrice = "nodes are shifted: updates 0, 1 and 2 all have the first"
    yield case("pytorch_optimizer:get_chebyshev_schedule", 48, lr=0.1, num_epochs=32, defect=thrice)


def pytorch_warmup() -> Iterator[Case]:
    cosine = part("torch:CosineAnnealingLR", base_lr=0.1, T_max=60)
    yield case("pytorch_warmup:LinearWarmup", 60, lr=0.1, warmup_period=10, note="update k has (k + 1) / warmup_period")
    yield case("pytorch_warmup:LinearWarmup", 60, lr=0.1, warmup_period=10, lr_scheduler=cosine)
    yield case("pytorch_warmup:ExponentialWarmup", 60, lr=0.1, warmup_period=10)
    yield case("pytorch_warmup:UntunedLinearWarmup", 60, lr=0.1, betas=[0.9, 0.95])
    yield case("pytorch_warmup:UntunedExponentialWarmup", 60, lr=0.1, betas=[0.9, 0.95])
    yield case("pytorch_warmup:RAdamWarmup", 60, lr=0.1, betas=[0.9, 0.95])
