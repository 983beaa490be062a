"""Groups by layer, each with its own multiple of the rate."""

from typing import Any

import pytest
import torch
from torch import nn

import stepsize as ss
from stepsize.torch import Task, build, layer_groups, scaled_groups

X = torch.linspace(-1, 1, 32).unsqueeze(1)


class Encoder(nn.Module):
    """A small transformer's way of holding its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(4))
        self.embedding = nn.Embedding(5, 4)
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 5)
        self.head.weight = self.embedding.weight


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))


def test_blocks_come_from_the_top_and_every_parameter_is_in_one_group():
    made = Encoder()
    groups = layer_groups(made)
    assert [g["name"] for g in groups] == ["head", "norm", "layers.2", "layers.1", "layers.0", "embedding", "outside"]
    assert [g["depth"] for g in groups] == list(range(7))
    held = [id(p) for g in groups for p in g["params"]]
    assert sorted(held) == sorted(map(id, made.parameters()))


def test_frozen_layers_are_in_no_group():
    frozen = model()
    frozen[0].requires_grad_(False)
    assert [g["name"] for g in layer_groups(frozen)] == ["4", "2"]


def test_each_layer_below_the_top_trains_at_a_smaller_rate():
    made = model()
    policy = ss.Policy(ss.linear(0.1, 0.0, 10), "adamw", weight_decay=0.1)
    groups = scaled_groups(layer_groups(made), {"layer_decay": 0.5, "lr_scale.4": 2.0})
    optimizer, scheduler = build(policy, groups)
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.2, 0.05, 0.025])
    optimizer.step()
    scheduler.step()
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.18, 0.045, 0.0225])


def test_a_task_trains_as_a_person_would_with_groups_by_hand():
    task = Task(model, nn.functional.mse_loss, (X, X**2), (X, X**2), batch_size=8, steps=20)
    run = ss.drive(task, ss.Policy(0.05, "momentum"), 20, 3, {"layer_decay": 0.5})
    torch.manual_seed(3)
    made = model()
    layers = [made[4], made[2], made[0]]
    by_hand = torch.optim.SGD(
        [{"params": layer.parameters(), "lr": 0.05 * 0.5**depth} for depth, layer in enumerate(layers)], momentum=0.9
    )
    generator, losses = torch.Generator().manual_seed(3), []
    while len(losses) < 20:
        order = torch.randperm(32, generator=generator)
        for chosen in order.split(8):
            by_hand.zero_grad()
            loss = nn.functional.mse_loss(made(X[chosen]), X[chosen] ** 2)
            loss.backward()
            by_hand.step()
            losses.append(float(loss.detach()))
    assert run.loss == pytest.approx(losses, abs=1e-6)


def test_groups_of_ones_own_have_names_to_search_by():
    def groups(made: nn.Module) -> list[dict[str, Any]]:
        return [
            {"name": "head", "params": made[4].parameters(), "weight_decay": 0.0},
            {"name": "body", "params": [*made[0].parameters(), *made[2].parameters()]},
        ]

    task = Task(model, nn.functional.mse_loss, (X, X), steps=12, batch_size=8, groups=groups)
    runs = [ss.drive(task, ss.Policy(0.01), 12, 0, {"lr_scale.head": scale}) for scale in (0.0, 1.0, 3.0)]
    assert len({run.final("loss") for run in runs}) == 3
    study = ss.tune(task, 2, space={"lr_scale.head": (0.1, 10.0), "layer_decay": [0.3, 1.0]}, metric="loss")
    assert {"lr_scale.head", "layer_decay"} == set(study.settings)


BAD = {
    "no such group": ({"lr_scale.neck": 2.0}, "neck"),
    "no multiple": ({"lr_scale.4": -1.0}, "lr_scale.4"),
    "no number": ({"layer_decay": "half"}, "layer_decay"),
}


@pytest.mark.parametrize(("settings", "word"), BAD.values(), ids=BAD)
def test_a_multiple_that_makes_no_sense_is_named(settings, word):
    task = Task(model, nn.functional.mse_loss, (X, X), batch_size=8)
    with pytest.raises(ss.InvalidTraining, match=word):
        ss.drive(task, 0.1, 3, 0, settings)


def test_groups_that_are_none_are_refused():
    task = Task(model, nn.functional.mse_loss, (X, X), batch_size=8, groups=lambda made: made.parameters())
    with pytest.raises(ss.InvalidTraining, match="groups"):
        ss.drive(task, 0.1, 3)
