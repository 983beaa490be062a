"""Any hyperparameter of any group: by name, by index, one each, scaled, added later, as a tensor."""

import gc
import weakref

import pytest
import torch

import stepsize as ss
from stepsize.torch import Scheduler
from tests.torch.loops import backward, held, named, saved, sgd, train

LR = ss.linear(0.1, 0.5, 8) >> ss.cosine(0.5, 0.01, 40)
SLOW = 0.1 * LR
DECAY = ss.linear(0.0, 0.2, 20)


def test_one_schedule_for_each_group_by_name_the_others_keep_their_own():
    optimizer = named("body", "neck", "head")
    scheduler = Scheduler(optimizer, lr={"body": SLOW, "head": LR}, weight_decay={1: DECAY})
    for k in range(12):
        assert held(optimizer) == [SLOW(k), 7.0, LR(k)] == scheduler.get_last_lr()
        assert held(optimizer, "weight_decay") == [0, DECAY(k), 0]
        train(optimizer, scheduler, 1)


def test_one_schedule_for_each_group_in_order():
    optimizer = sgd(3)
    scheduler = Scheduler(optimizer, lr=[SLOW, LR, 0.25])
    train(optimizer, scheduler, 5)
    assert held(optimizer) == [SLOW(5), LR(5), 0.25]


def test_a_name_stands_for_all_groups_that_have_it():
    optimizer = named("decay", "plain", "decay")
    train(optimizer, Scheduler(optimizer, weight_decay={"decay": DECAY}), 3)
    assert held(optimizer, "weight_decay") == [DECAY(3), 0, DECAY(3)]


def test_betas_are_scheduled_as_a_pair():
    optimizer = named("body", "head", optimizer=torch.optim.AdamW)
    first = ss.linear(0.85, 0.95, 10)
    scheduler = Scheduler(optimizer, lr=LR, betas=(first, 0.98))
    train(optimizer, scheduler, 4)
    assert held(optimizer, "betas") == [(first(4), 0.98)] * 2 == scheduler.at(4, "betas")
    assert set(scheduler.schedules) == {"lr", "betas.0", "betas.1"}
    each = Scheduler(optimizer, betas={"head": (0.5, first)})
    assert held(optimizer, "betas")[1] == (0.5, first(0)) == each.at(0, "betas")[1]


def test_betas_that_are_tensors_are_filled():
    tensors = (torch.tensor(0.9), torch.tensor(0.99))
    optimizer = torch.optim.Adam([torch.zeros(2, requires_grad=True)], lr=torch.tensor(0.1), betas=tensors)
    train(optimizer, Scheduler(optimizer, betas=(ss.linear(0.5, 0.75, 2), 0.875)), 1)
    assert [float(beta) for beta in tensors] == [0.625, 0.875]


def test_a_group_has_its_own_multiple_of_the_learning_rate():
    scales = [0.75**i for i in range(5)]
    optimizer = torch.optim.SGD(
        [{"params": [torch.zeros(1, requires_grad=True)], "lr_scale": scale} for scale in scales], lr=1.0
    )
    scheduler = Scheduler(optimizer, lr=LR, weight_decay=DECAY)
    train(optimizer, scheduler, 20)
    assert held(optimizer) == [LR(20) * scale for scale in scales] == scheduler.get_last_lr()
    assert held(optimizer, "weight_decay") == [DECAY(20)] * 5
    optimizer.param_groups[0]["lr_scale"] = 2
    scheduler.refresh()
    assert held(optimizer)[0] == 2 * LR(20)


def test_a_multiple_may_be_a_schedule_frozen_and_then_unfrozen():
    body = ss.constant(0.0, 5) >> ss.constant(1.0)
    optimizer = named("body", "head")
    scheduler = Scheduler(optimizer, lr={"body": body * LR, "head": LR})
    start = optimizer.param_groups[0]["params"][0].detach().clone()
    train(optimizer, scheduler, 5)
    assert torch.equal(start, optimizer.param_groups[0]["params"][0])
    assert held(optimizer) == [LR(5)] * 2


def test_a_group_added_later_follows_from_its_very_first_update():
    optimizer = named("body", "head")
    scheduler = Scheduler(optimizer, lr={"head": LR, 2: SLOW}, momentum=0.5, later=(2,))
    train(optimizer, scheduler, 4)
    optimizer.add_param_group({"params": [torch.ones(2, requires_grad=True)], "name": "head", "lr": 3.0})
    used = []
    optimizer.register_step_pre_hook(lambda *_: used.append(held(optimizer)))
    train(optimizer, scheduler, 1)
    assert used == [[7.0, LR(4), LR(4)]]  # two schedules fit; the one written first holds
    assert held(optimizer) == [7.0, LR(5), LR(5)]
    assert held(optimizer, "momentum") == [0.5] * 3


def test_a_group_may_be_named_before_it_is_there():
    optimizer = named("body")
    scheduler = Scheduler(optimizer, lr={"body": SLOW, "head": LR}, later=["head"])
    optimizer.add_param_group({"params": [torch.ones(2, requires_grad=True)], "name": "head"})
    scheduler.step()
    assert held(optimizer) == [SLOW(1), LR(1)]


def test_a_group_added_before_a_preview_follows_too():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    assert scheduler.get_last_lr() == [LR(0)] * 2
    scheduler.step()
    assert held(optimizer) == [LR(1)] * 2


def test_groups_that_a_loading_replaced_are_the_ones_written_to():
    optimizer = sgd(2)
    scheduler = Scheduler(optimizer, lr=LR)
    train(optimizer, scheduler, 3)
    (state,) = saved(optimizer)
    state["param_groups"][0]["lr"] = 99.0
    old = optimizer.param_groups
    optimizer.load_state_dict(state)
    assert optimizer.param_groups is not old
    assert held(optimizer) == [LR(3)] * 2
    train(optimizer, scheduler, 1)
    assert held(optimizer) == [LR(4)] * 2
    assert old[0]["lr"] == LR(3)


def test_a_rate_that_is_a_tensor_stays_the_same_tensor():
    rate = torch.tensor(0.1, dtype=torch.float64)
    optimizer = sgd(lr=rate)
    scheduler = Scheduler(optimizer, lr=LR)
    for k in range(5):
        assert optimizer.param_groups[0]["lr"] is rate
        assert float(rate) == LR(k)
        assert scheduler.get_last_lr() == [LR(k)]
        assert type(scheduler.get_last_lr()[0]) is float
        train(optimizer, scheduler, 1)
    assert scheduler.base_lrs == [torch.tensor(0.1, dtype=torch.float64)]


def test_a_tensor_that_groups_share_becomes_one_for_each():
    rate = torch.tensor(0.1, dtype=torch.float64)
    optimizer = sgd(2, lr=rate)
    optimizer.param_groups[1]["lr_scale"] = 0.5
    scheduler = Scheduler(optimizer, lr=LR)
    train(optimizer, scheduler, 2)
    # The default rate of a group added now is that tensor as well.
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)], "lr_scale": 0.25})
    train(optimizer, scheduler, 1)
    assert [float(lr) for lr in held(optimizer)] == [LR(3), LR(3) / 2, LR(3) / 4] == scheduler.get_last_lr()
    assert held(optimizer)[0] is rate


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("compiled", ["model", "optimizer"])
def test_pytorch_107076_a_tensor_rate_compiles_once(compiled):
    torch._dynamo.reset()
    graphs = []

    def counting(graph, inputs):
        graphs.append(graph)
        return graph.forward

    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.1), foreach=False)
    scheduler = Scheduler(optimizer, lr=LR)
    forward = torch.compile(model, backend=counting) if compiled == "model" else model
    update = torch.compile(optimizer.step, backend=counting) if compiled == "optimizer" else optimizer.step
    for _ in range(12):
        optimizer.zero_grad()
        forward(torch.ones(4, 3)).square().mean().backward()
        update()
        scheduler.step()
    assert len(graphs) == 1
    assert scheduler.last_epoch == 12
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(LR(12))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_group_added_beside_a_compiled_update_follows_from_the_next_step():
    torch._dynamo.reset()
    optimizer = sgd(lr=0.1, foreach=False)
    scheduler = Scheduler(optimizer, lr=LR)
    update = torch.compile(optimizer.step, backend="eager")
    backward(optimizer)
    update()
    scheduler.step()
    optimizer.add_param_group({"params": [torch.ones(2, requires_grad=True)], "lr": 3.0})
    update()
    scheduler.step()
    assert held(optimizer) == [LR(2)] * 2


def test_a_scheduler_that_is_gone_leaves_the_optimizer_alone():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    gone = weakref.ref(scheduler)
    train(optimizer, scheduler, 2)
    del scheduler
    gc.collect()
    assert gone() is None
    assert not optimizer._optimizer_step_post_hooks
    assert not optimizer._optimizer_step_pre_hooks
    optimizer.step()
    assert held(optimizer) == [LR(2)]


def test_every_value_can_be_asked_without_stepping():
    optimizer = named("body", "head")
    scheduler = Scheduler(optimizer, lr={"head": LR})
    assert [scheduler.at(k) for k in (0, 7, 5_000)] == [[7.0, LR(k)] for k in (0, 7, 5_000)]
    assert scheduler.at(3, "momentum") == [0, 0]
    assert scheduler.last_epoch == 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: Scheduler(named("a", "b"), lr={"c": LR}),
            r"lr names the group 'c'; there are 'a', 'b', 0, 1\..*later",
        ),
        (lambda: Scheduler(named("a", "b"), lr={2: LR}), "lr names the group 2;"),
        (lambda: Scheduler(named("a", "b"), lr={-1: LR}), "lr names the group -1;"),
        (lambda: Scheduler(named("a", "b"), lr={True: LR}), "lr names the group True;"),
        (lambda: Scheduler(named("a", "b"), lr={}), "lr names no group"),
        (lambda: Scheduler(named("a", "b"), lr={"a": LR, 0: SLOW}), "gives parameter group 0 two schedules"),
        (lambda: Scheduler(named("a", "b"), lr=[LR]), "lr lists 1 schedules for 2 parameter groups"),
        (lambda: Scheduler(sgd(), lr=[LR, LR]), "lr lists 2 schedules for 1 parameter group:"),
        (lambda: Scheduler(named("a", "b"), lr={"a": -1.0}), r"lr\['a'\]: lr must not be negative"),
        (lambda: Scheduler(named("a", "b"), momentum={"a": "high"}), r"momentum\['a'\] must be .*'high'"),
        (lambda: Scheduler(named("a", optimizer=torch.optim.Adam), betas=LR), "betas holds 2 numbers"),
        (lambda: Scheduler(named("a", optimizer=torch.optim.Adam), betas={"a": (0.9,)}), r"betas\['a'\] holds 2"),
        (lambda: Scheduler(named("a", optimizer=torch.optim.Adam), betas=(0.9, "x")), r"betas\.1 must be .*'x'"),
    ],
)
def test_what_fits_no_group_is_refused_by_name(make, says):
    with pytest.raises(ss.StepsizeError, match=says):
        make()


@pytest.mark.parametrize("scale", [-1.0, float("nan"), "half", True])
def test_a_multiple_that_is_none_is_refused(scale):
    optimizer = sgd()
    optimizer.param_groups[0]["lr_scale"] = scale
    with pytest.raises(ss.InvalidPolicy, match="lr_scale"):
        Scheduler(optimizer, lr=LR)
