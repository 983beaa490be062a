"""What people reported of other schedulers, by the thread they did it in, and what happens here."""

import json

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

import stepsize as ss
from stepsize.torch import Scheduler, build
from tests.torch.loops import backward, held, named, saved, sgd, through_a_file, train

KINDS = {
    "exponential": ss.exponential_decay(1.0, 0.9, every=10),
    "cosine": ss.cosine(1.0, 0.0, 100),
    "multistep": ss.multistep(1.0, 0.1, [30, 60, 75]),
    "one cycle": ss.one_cycle(1.0, 100),
    "warm restarts": ss.sgdr(1.0, 20, growth=2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pytorch_29697_and_65342_restoring_the_scheduler_alone_is_enough(kind):
    """Recursive schedulers went on from whatever the fresh optimizer held: 0.905 for 0.0865."""
    first = Scheduler(sgd(), lr=KINDS[kind])
    train(first.optimizer, first, 80)
    (state,) = saved(first)
    fresh = Scheduler(sgd(lr=1.0), lr=KINDS[kind])
    fresh.load_state_dict(state)
    assert held(fresh.optimizer) == [KINDS[kind](80)]
    train(fresh.optimizer, fresh, 10)
    assert held(fresh.optimizer) == [KINDS[kind](90)]


def test_lightning_4655_the_first_update_after_a_resume_is_not_stale():
    """LambdaLR gave the first update after a resume the rate of update 0."""
    first = Scheduler(sgd(), lr=KINDS["cosine"])
    train(first.optimizer, first, 40)
    fresh = Scheduler(sgd(), lr=KINDS["cosine"])
    fresh.load_state_dict(saved(first)[0])
    used = []
    fresh.optimizer.register_step_pre_hook(lambda optimizer, *_: used.extend(held(optimizer)))
    train(fresh.optimizer, fresh, 2)
    assert used == [KINDS["cosine"](40), KINDS["cosine"](41)]


def test_pytorch_162591_a_sequence_resumes_in_its_later_phase():
    """SequentialLR(last_epoch=N) restarted in the first phase: 0.1, 0.09 for 0.81, 0.729."""
    phases = ss.constant(0.1, 2) >> ss.exponential_decay(1.0, 0.9, every=1)
    scheduler = Scheduler(sgd(), lr=phases)
    scheduler.load_state_dict({"last_epoch": 4})
    assert [scheduler.at(k)[0] for k in (4, 5)] == pytest.approx([0.81, 0.729])
    assert held(scheduler.optimizer) == pytest.approx([0.81])


def test_pytorch_82859_schedules_multiply_in_any_order():
    """Chained, a kind that overwrites cancelled one that multiplies: 0.9 or 0.45, by their order."""
    decay, half = ss.exponential_decay(1.0, 0.9, every=1), ss.constant(0.5)
    for product in (decay * half, half * decay):
        scheduler = Scheduler(sgd(), lr=product)
        scheduler.step(1)
        assert held(scheduler.optimizer) == [0.45]


def test_pytorch_68978_a_factor_on_a_warmup_stays():
    """A reduction during a LambdaLR warmup was undone at the next step: 0.5, 1.0, 0.5."""
    plan = ss.linear(0.0, 1.0, 4) >> ss.constant(1.0)
    reduced = plan * ss.piecewise_constant([1.0, 0.5, 0.25], at=[6, 8])
    scheduler = Scheduler(sgd(), lr=reduced)
    rates = []
    for _ in range(10):
        rates += held(scheduler.optimizer)
        scheduler.step()
    assert rates == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("how", ["keep", "adopt", "stretch", "anneal"])
def test_transformers_34053_a_longer_horizon_never_raises_the_rate_by_surprise(how):
    """Loading the state put the old T_max back, and the rate climbed to 0.5; elsewhere it jumped."""
    first = Scheduler(sgd(), lr=ss.cosine(1.0, 0.0, 100))
    first.step(90)
    longer = Scheduler(sgd(), lr=ss.cosine(1.0, 0.0, 200), on_change=how)
    longer.load_state_dict(saved(first)[0])
    curve = [longer.at(k)[0] for k in range(90, 260)]
    assert np.all(np.diff(curve) <= 0)
    assert curve[-1] == pytest.approx(0.0, abs=1e-15)
    if how != "adopt":
        assert curve[0] == ss.cosine(1.0, 0.0, 100)(90)


def test_transformers_20029_a_group_added_while_training_is_no_error():
    """LambdaLR: zip() argument 2 is shorter; OneCycle: KeyError 'max_lr'."""
    for schedule in KINDS.values():
        optimizer = sgd()
        scheduler = Scheduler(optimizer, lr=schedule)
        train(optimizer, scheduler, 3)
        optimizer.add_param_group({"params": [torch.zeros(2, requires_grad=True)]})
        train(optimizer, scheduler, 3)
        assert held(optimizer) == [schedule(6)] * 2


def test_pytorch_67761_groups_keep_their_ratio_down_to_the_floor():
    """A minimum taken from optimizer.defaults ended both groups at rates that had another ratio."""
    optimizer = named("a", "b")
    for group, peak in zip(optimizer.param_groups, (1e-2, 1e-3), strict=True):
        group["lr_scale"] = peak
    shape = ss.warmup_cosine(1.0, 100, 10, end=0.01)
    scheduler = Scheduler(optimizer, lr=shape)
    for k in (0, 10, 50, 100, 500):
        scheduler.step(k)
        assert held(optimizer) == [shape(k) * 1e-2, shape(k) * 1e-3]
    assert held(optimizer) == pytest.approx([1e-4, 1e-5])


@pytest.mark.parametrize("key", ["weight_decay", "momentum", "dampening"])
def test_pytorch_22343_and_83159_any_hyperparameter_is_scheduled(key):
    schedule = ss.linear(0.2, 0.4, 4)
    optimizer = sgd()
    scheduler = Scheduler(optimizer, **{key: schedule})
    for k in range(6):
        assert held(optimizer, key) == [schedule(k)]
        train(optimizer, scheduler, 1)


def test_optax_206_the_rate_that_an_update_used_is_known():
    """After step(), get_last_lr() is the rate of the next update; at(last_epoch - 1) that of the last."""
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=KINDS["cosine"])
    for _ in range(5):
        used = held(optimizer)
        assert used == scheduler.get_last_lr()
        train(optimizer, scheduler, 1)
        assert scheduler.at(scheduler.last_epoch - 1) == used != scheduler.get_last_lr()


def test_pytorch_88684_the_state_is_plain_data_tensor_rates_too():
    """States held objects and tensors; weights_only refused them, and JSON could not hold them."""
    optimizer = sgd(lr=torch.tensor(0.1))
    scheduler = Scheduler(optimizer, lr=KINDS["one cycle"], momentum=0.9)
    train(optimizer, scheduler, 7)
    state = scheduler.state_dict()
    assert through_a_file(state) == [state] == [json.loads(json.dumps(state))]


def test_pytorch_193682_a_phase_of_no_length_is_absent():
    """LinearLR(total_iters=0) trained at a third of the rate for ever."""
    scheduler = Scheduler(sgd(), lr=ss.linear(1 / 3, 1.0, 0) >> ss.cosine(1.0, 0.0, 10))
    assert scheduler.get_last_lr() == [1.0]


def test_pytorch_38170_after_the_end_the_end_value_holds():
    """CosineAnnealingLR climbs back after T_max, OneCycleLR raises."""
    theirs = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    climbing = lr_scheduler.CosineAnnealingLR(theirs, 10)
    for _ in range(20):
        theirs.step()
        climbing.step()
    assert theirs.param_groups[0]["lr"] == pytest.approx(1.0)
    scheduler = Scheduler(sgd(), lr=ss.one_cycle(1.0, 10))
    end = scheduler.at(10)
    train(scheduler.optimizer, scheduler, 20)
    assert held(scheduler.optimizer) == end


def test_a_built_policy_follows_all_of_the_same_rules():
    model = torch.nn.Linear(3, 1)
    optimizer, scheduler = build(ss.Policy(KINDS["cosine"], "adamw", weight_decay=ss.linear(0.1, 0.0, 50)), model)
    backward(optimizer)
    scheduler.step()  # no update yet
    assert scheduler.last_epoch == 0
    optimizer.step()
    scheduler.step()
    assert (held(optimizer), held(optimizer, "weight_decay")) == ([KINDS["cosine"](1)], [0.1 * 49 / 50])
    scheduler.cooldown(10)
    assert scheduler.at(11) == [0.0]
