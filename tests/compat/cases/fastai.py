from collections.abc import Iterator

from . import Case, case, part

LINEAR_DOWN = part("fastai:SchedLin", start=1.0, end=0.1)


def cases() -> Iterator[Case]:
    yield from annealers()
    yield from combined()
    yield from fits()


def annealers() -> Iterator[Case]:
    past = "past position 1 the function goes on: no clamp"
    for name in ("sched_lin", "sched_cos", "sched_exp", "sched_no"):
        yield case(f"fastai:{name}", 90, start=1.0, end=1e-2, updates=60, note=past)
        yield case(f"fastai:{name}", 40, start=1e-4, end=0.5, updates=40)
    yield case("fastai:SchedPoly", 90, start=1.0, end=0.1, power=2, updates=60, note=past)
    yield case("fastai:SchedPoly", 60, start=0.1, end=1e-3, power=0.5, updates=60)
    yield case("fastai:SchedExp", 100, start=1e-7, end=10, updates=100, note="what lr_find runs through")


def combined() -> Iterator[Case]:
    single = "boundaries and positions inside a phase are float32: about 1e-7 of the span"
    two = [part("fastai:SchedCos", start=0.3, end=0.6), part("fastai:SchedCos", start=0.6, end=0.2)]
    yield case("fastai:combine_scheds", 60, pcts=[0.25, 0.75], scheds=two, updates=60, note=single)
    three = [*two, LINEAR_DOWN]
    yield case("fastai:combine_scheds", 90, pcts=[0.25, 0.25, 0.5], scheds=three, updates=60, note=single)
    yield case("fastai:combined_cos", 90, pct=0.25, start=0.02, middle=0.5, end=1e-5, updates=60, note=single)
    yield case("fastai:combined_cos", 60, pct=0.3, start=0.1, middle=1.0, end=0.0, updates=60, note=single)
    yield case("fastai:combined_cos", 60, pct=0.7, start=1.0, middle=1.0, end=0.0, updates=60, note=single)
    four = [part("fastai:SchedCos", start=1.0, end=0) for _ in range(3)]
    yield case("fastai:combine_scheds", 70, pcts=[0.1, 0.2, 0.7], scheds=four, updates=70, note=single)


def fits() -> Iterator[Case]:
    call = "fastai:fit_one_cycle"
    yield case(call, 60, n_epoch=3, lr_max=0.5, n_iter=20)
    yield case(call, 80, n_epoch=4, lr_max=0.1, div=10.0, div_final=1e3, pct_start=0.4, n_iter=20)
    yield case(call, 60, n_epoch=6, lr_max=1e-3, moms=[0.9, 0.8, 0.9], pct_start=0.1, n_iter=10)
    yield case("fastai:fit_flat_cos", 60, n_epoch=3, lr=0.5, n_iter=20)
    yield case("fastai:fit_flat_cos", 80, n_epoch=4, lr=0.1, div_final=100.0, pct_start=0.5, n_iter=20)
    missed = "the sum 1/7 + 2/7 in float32 lies above update 30 of 70, so that restart is at 0, not at the peak"
    yield case("fastai:fit_sgdr", 70, n_cycles=3, cycle_len=1, lr_max=0.5, n_iter=10, defect=missed)
    yield case("fastai:fit_sgdr", 63, n_cycles=2, cycle_len=3, lr_max=0.1, n_iter=7)
    yield case("fastai:fit_sgdr", 80, n_cycles=2, cycle_len=2, lr_max=0.1, cycle_mult=3, n_iter=10)
