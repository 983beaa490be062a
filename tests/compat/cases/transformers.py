from collections.abc import Iterator
from itertools import product

from . import Case, case

LENGTHS = ((0, 100), (1, 50), (10, 100), (33, 100), (100, 100), (120, 100), (7, 1))


def cases() -> Iterator[Case]:
    yield case("transformers:constant", 20, base_lr=2e-5)
    for warmup in (0, 1, 10):
        yield case("transformers:constant_with_warmup", 30, base_lr=2e-5, num_warmup_steps=warmup)
    for warmup, total in LENGTHS:
        lengths = {"base_lr": 5e-4, "num_warmup_steps": warmup, "num_training_steps": total}
        yield case("transformers:linear", 220, **lengths)
        yield case("transformers:cosine", 260, **lengths)
        for cycles in (0.25, 1.0, 1.5, 2, 0):
            yield case("transformers:cosine", 260, **lengths, num_cycles=cycles)
        for cycles in (1, 2, 3, 5, 7, 2.5):
            yield case("transformers:cosine_with_restarts", 220, **lengths, num_cycles=cycles)
        for floor in ({"min_lr": 1e-5}, {"min_lr_rate": 0.1}, {"min_lr_rate": 0.25, "num_cycles": 1.25}):
            yield case("transformers:cosine_with_min_lr", 220, **lengths, **floor)
            yield case("transformers:cosine_warmup_with_min_lr", 220, **lengths, **floor)
            yield case("transformers:cosine_warmup_with_min_lr", 220, **lengths, **floor, warmup_lr_rate=0.05)
        if warmup != total:
            yield case("transformers:polynomial", 220, **lengths)
    for warmup, total in LENGTHS[:4]:
        lengths = {"base_lr": 5e-4, "num_warmup_steps": warmup, "num_training_steps": total}
        yield case("transformers:polynomial", 220, **lengths, lr_end=1e-5, power=2.0)
        yield case("transformers:polynomial", 220, **lengths, lr_end=0.0, power=0.7)
    for warmup, scale in ((0, None), (10, None), (10, 40), (0, 5)):
        yield case("transformers:inverse_sqrt", 400, base_lr=1e-3, num_warmup_steps=warmup, timescale=scale)
    yield from wsd()
    call = "transformers:get_cosine_schedule_with_warmup"
    yield case(call, 60, base_lr=1e-3, num_warmup_steps=5, num_training_steps=50)
    call = "transformers:get_wsd_schedule"
    yield case(call, 60, base_lr=1e-3, num_warmup_steps=5, num_decay_steps=10, num_stable_steps=20)


def wsd() -> Iterator[Case]:
    call, kinds = "transformers:warmup_stable_decay", ("linear", "cosine", "1-sqrt")
    for up, down, floor in product(kinds, kinds, (0.0, 0.1)):
        shape = {"warmup_type": up, "decay_type": down, "min_lr_ratio": floor}
        yield case(call, 140, base_lr=1e-3, num_warmup_steps=12, num_training_steps=100, num_decay_steps=30, **shape)
    for warmup, decay, total in ((0, 10, 50), (10, 0, 50), (20, 40, 50), (30, 30, 40), (0, 0, 10)):
        lengths = {"num_warmup_steps": warmup, "num_decay_steps": decay, "num_training_steps": total}
        yield case(call, 90, base_lr=1e-3, **lengths)
    for cycles in (0.25, 1.0, 1.5):
        lengths = {"num_warmup_steps": 5, "num_decay_steps": 40, "num_training_steps": 80}
        yield case(call, 100, base_lr=1e-3, **lengths, num_cycles=cycles, min_lr_ratio=0.05)
