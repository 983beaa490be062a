"""What counts as an update: only what the optimizer did, whoever calls `step` and how often."""

import copy
import pickle

import pytest
import torch

import stepsize as ss
from stepsize.torch import Scheduler
from stepsize.torch.updates import PATIENCE
from tests.torch.loops import backward, held, saved, sgd, train

INF = float("inf")
LR = ss.linear(0.01, 0.09, 8) >> ss.cosine(0.09, 0.0, 92)


class Silent:
    """A scheduler that is not asked yet."""

    @staticmethod
    def step():
        pass


def scaled_training(scheduler, optimizer, gradients, clear_first=False):
    """A training in mixed precision; a gradient that is infinite makes the scaler skip the update."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    used = []
    for gradient in gradients:
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        scaler.scale((optimizer.param_groups[0]["params"][0] * gradient).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        if clear_first:
            optimizer.zero_grad()
        scheduler.step()
    return used


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("clear_first", [False, True])
def test_pytorch_44511_an_update_skipped_by_the_scaler_does_not_advance(fused, clear_first):
    optimizer = torch.optim.AdamW([torch.ones(3, requires_grad=True)], lr=1.0, fused=fused)
    scheduler = Scheduler(optimizer, lr=LR)
    used = scaled_training(scheduler, optimizer, [INF, INF, 1.0, 1.0, INF, 1.0], clear_first)
    assert used == [LR(k) for k in (0, 0, 0, 1, 2, 2)]
    assert scheduler.last_epoch == 3


@pytest.mark.parametrize(("gradients", "counts"), [([1.0, INF], 1), ([INF, 1.0], 1), ([INF, INF], 0)])
def test_of_several_fused_updates_one_that_was_made_is_enough(gradients, counts):
    optimizer = torch.optim.AdamW([torch.ones(3, requires_grad=True)], lr=1.0, fused=True)
    scheduler = Scheduler(optimizer, lr=LR)
    scaled_training(Silent, optimizer, gradients)
    scheduler.step()
    assert scheduler.last_epoch == counts


@pytest.mark.parametrize("every_micro_batch", [False, True])
def test_lightning_1476_accumulated_gradients_advance_by_updates(every_micro_batch):
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    used = []
    for micro in range(24):
        backward(optimizer)
        if update := micro % 4 == 3:
            used += held(optimizer)
            optimizer.step()
            optimizer.zero_grad()
        if update or every_micro_batch:
            scheduler.step()
    assert used == [LR(k) for k in range(6)]


def test_calls_repeated_for_each_process_count_once():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    for _ in range(5):
        train(optimizer, scheduler, 1)
        scheduler.step()
        scheduler.step()
    assert held(optimizer) == [LR(5)]


def test_a_call_per_epoch_counts_epochs():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    for _ in range(3):
        for _ in range(7):
            backward(optimizer)
            optimizer.step()
        scheduler.step()
    assert scheduler.last_epoch == 3


def test_calling_before_the_optimizer_gives_each_update_its_own_value():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    used = []
    for _ in range(5):
        optimizer.zero_grad()
        backward(optimizer)
        scheduler.step()
        used += held(optimizer)
        optimizer.step()
    assert used == [LR(k) for k in range(5)]


def test_without_any_training_every_call_previews():
    scheduler = Scheduler(sgd(), lr=LR)
    preview = []
    for _ in range(30):
        preview += scheduler.get_last_lr()
        scheduler.step()
    assert preview == [LR(k) for k in range(30)]


def test_an_update_without_gradients_leaves_it_a_preview():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    optimizer.step()  # what silences the warning of PyTorch's own schedulers
    preview = []
    for _ in range(30):
        preview += scheduler.get_last_lr()
        scheduler.step()
    assert preview == [LR(k) for k in range(30)]


def test_a_group_that_comes_in_a_preview_follows_from_the_next_step():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    scheduler.step()
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    scheduler.step()
    assert held(optimizer) == [LR(2), LR(2)]


def test_gradients_that_are_written_by_hand_are_a_training_too():
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = Scheduler(optimizer, lr=LR)
    weight.grad = torch.ones(1)
    optimizer.step()
    for _ in range(3):
        scheduler.step()
    assert scheduler.last_epoch == 1


def test_after_updates_a_call_alone_does_not_advance_but_a_named_update_does():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    train(optimizer, scheduler, 2)
    scheduler.step()
    assert scheduler.last_epoch == 2
    scheduler.step(9)
    assert (scheduler.last_epoch, held(optimizer)) == (9, [LR(9)])
    optimizer.step()
    scheduler.step(4)
    scheduler.step()  # that update was counted by the call before
    assert scheduler.last_epoch == 4
    train(optimizer, scheduler, 1)
    assert scheduler.last_epoch == 5


def test_a_loaded_state_counts_no_update_from_before():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    train(optimizer, scheduler, 6)
    (state,) = saved(scheduler)
    backward(optimizer)
    optimizer.step()
    scheduler.load_state_dict(state)
    scheduler.step()
    assert scheduler.last_epoch == 6


def test_updates_that_never_come_are_noticed():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    backward(optimizer)
    for _ in range(PATIENCE - 1):
        scheduler.step()
    with pytest.warns(UserWarning, match=r"called 1000 times.*scheduler.step\(k\)"):
        scheduler.step()
    scheduler.step()
    assert scheduler.last_epoch == 0


def test_updates_that_a_graph_replays_are_taken_for_made(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    backward(optimizer)
    optimizer.step()  # captured, not made
    for _ in range(5):
        scheduler.step()
    assert held(optimizer) == [LR(5)]
    assert copy.deepcopy(scheduler)._updates.blind is False


def test_an_optimizer_without_hooks_is_followed_by_calls():
    class Wrapped(torch.optim.Optimizer):
        def __init__(self, inner):
            self.inner, self.param_groups = inner, inner.param_groups

    inner = sgd()
    scheduler = Scheduler(Wrapped(inner), lr=LR)
    backward(inner)
    for _ in range(3):
        inner.step()
        scheduler.step()
    assert held(inner) == [LR(3)]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_the_optimizer_still_copies_and_the_copy_is_free(again):
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    train(optimizer, scheduler, 3)
    twin = again(optimizer)
    assert not twin._optimizer_step_post_hooks
    twin.step()
    scheduler.step()
    assert scheduler.last_epoch == 3


def test_a_copy_remembers_the_update_it_has_not_counted():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    backward(optimizer)
    optimizer.step()
    twin = copy.deepcopy(scheduler)
    twin.step()
    twin.step()
    assert (twin.last_epoch, scheduler.last_epoch) == (1, 0)


def test_gradients_seen_once_leave_no_hook_behind():
    optimizer = sgd()
    scheduler = Scheduler(optimizer, lr=LR)
    backward(optimizer)
    assert not optimizer.param_groups[0]["params"][0]._post_accumulate_grad_hooks
    optimizer.zero_grad()
    scheduler.step()
    assert scheduler.last_epoch == 0
