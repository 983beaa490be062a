"""The recorder in loops of PyTorch: the training stays as it was, and what is logged is what happened."""

import copy
import gc
import math
import os
import weakref

import numpy as np
import pytest
import torch
from torch import nn

import stepsize as ss
from stepsize.torch import Recorder, Scheduler
from stepsize.torch.meter import Meter

LR = ss.linear(0.1, 0.01, 12)


def new_model(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 3))


def batches(count=12, seed=1):
    random = torch.Generator().manual_seed(seed)
    return [(torch.randn(6, 4, generator=random), torch.randint(0, 3, (6,), generator=random)) for _ in range(count)]


def two_groups(model):
    return [{"params": model[0].parameters(), "name": "body"}, {"params": model[3].parameters(), "lr": 0.02}]


OPTIMIZERS = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
    "momentum, two groups": lambda model: torch.optim.SGD(two_groups(model), lr=0.1, momentum=0.9),
    "adamw, fused": lambda model: torch.optim.AdamW(model.parameters(), lr=0.01, fused=True),
    "adam, a tensor for a rate": lambda model: torch.optim.Adam(model.parameters(), lr=torch.tensor(0.01)),
}


def train(make, path=None, scheduled=False, **options):
    """Parameters after a training, and by hand what each update did."""
    model = new_model()
    optimizer = make(model)
    scheduler = Scheduler(optimizer, lr=LR) if scheduled else None
    recorder = Recorder(path, optimizer, **options) if path else None
    by_hand = []
    for x, y in batches():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        before = [p.detach().clone() for p in model.parameters()]
        seen = {"loss": loss.item(), "lr": float(optimizer.param_groups[0]["lr"])}
        seen["grad_norm"] = flat([p.grad for p in model.parameters()])
        optimizer.step()
        change = [a.detach() - b for a, b in zip(model.parameters(), before, strict=True)]
        by_hand.append({**seen, "update_ratio": flat(change) / flat(before)})
        if scheduler:
            scheduler.step()
        if recorder:
            recorder.step(loss)
    if recorder:
        recorder.close()
    return [p.detach().clone() for p in model.parameters()], torch.get_rng_state(), by_hand


def flat(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors]).norm().item()


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("scheduled", [False, True])
def test_the_training_has_the_same_bits_and_the_log_what_was_computed_by_hand(tmp_path, kind, scheduled):
    alone, state, by_hand = train(OPTIMIZERS[kind], scheduled=scheduled)
    beside, its_state, _ = train(OPTIMIZERS[kind], tmp_path / "run.jsonl", scheduled, every=1, steps=12)
    assert all(torch.equal(a, b) for a, b in zip(alone, beside, strict=True))
    assert torch.equal(state, its_state)
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run.steps == run.updates == 12
    for name in ("loss", "lr"):
        assert run[name].tolist() == [row[name] for row in by_hand]
    for name in ("grad_norm", "update_ratio"):
        assert run[name] == pytest.approx([row[name] for row in by_hand], rel=1e-5)
    if scheduled:
        assert run["lr"] == pytest.approx(LR(range(12)))


def test_groups_have_columns_of_their_own(tmp_path):
    *_, by_hand = train(OPTIMIZERS["momentum, two groups"], tmp_path / "run.jsonl", every=3)
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert {"lr/body", "lr/1", "update_ratio/body", "update_ratio/1", "grad_norm/body", "grad_norm/1"} <= set(
        run.columns
    )
    assert set(run["lr/1"]) == {0.02}
    together = np.hypot(run["grad_norm/body"], run["grad_norm/1"])
    assert together == pytest.approx([row["grad_norm"] for row in by_hand[::3]], rel=1e-5)
    assert run.column("grad_norm").step.tolist() == [0, 3, 6, 9]
    assert run.settings["optimizer"] == "sgd"
    assert run.settings["momentum"] == 0.9


def simple(path, lr=0.1, optimizer=torch.optim.SGD, size=2, **options):
    weight = torch.ones(size, requires_grad=True)
    made = optimizer([weight], lr=lr)
    return weight, made, Recorder(path, made, every=1, **options)


def test_an_accumulated_gradient_is_one_update_with_the_mean_loss(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    for batch in range(8):
        loss = (batch + 1) * weight.sum()
        (loss / 4).backward()
        if batch % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()
        recorder.step(torch.tensor(float(batch)))
    recorder.close()
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run.loss.tolist() == [1.5, 5.5]
    assert run["grad_norm"] == pytest.approx([2.5 * math.sqrt(2), 6.5 * math.sqrt(2)])


@pytest.mark.parametrize("fused", [False, True])
def test_updates_that_the_scaler_skips_are_none_and_gradients_are_unscaled(tmp_path, fused):
    weight, optimizer, recorder = simple(
        tmp_path / "run.jsonl", optimizer=lambda p, lr: torch.optim.AdamW(p, lr=lr, fused=fused)
    )
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    for batch in range(5):
        optimizer.zero_grad()
        loss = 3 * weight.sum() * (math.inf if batch == 2 else 1)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        recorder.step(float(batch))
    recorder.close()
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run.loss.tolist() == [0, 1, 2.5, 4]
    assert run["grad_norm"] == pytest.approx([3 * math.sqrt(2)] * 4)


def test_a_closure_computes_the_gradient_in_the_update(tmp_path):
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], lr=0.1, max_iter=1)
    recorder = Recorder(tmp_path / "run.jsonl", optimizer, every=1)

    def closure():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    before = weight.detach().clone()
    recorder.step(optimizer.step(closure))
    recorder.close()
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run["grad_norm"].tolist() == [10.0]
    assert run["update_ratio"].tolist() == pytest.approx([flat([weight.detach() - before]) / 5])


def test_frozen_unused_and_sparse_parameters(tmp_path):
    table = nn.Embedding(10, 2, sparse=True)
    frozen, unused = torch.ones(3), torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([*table.parameters(), frozen, unused], lr=0.5)
    recorder = Recorder(tmp_path / "run.jsonl", optimizer, every=1)
    size = flat([table.weight.detach()])
    loss = table(torch.tensor([1, 1, 4])).sum()
    loss.backward()
    optimizer.step()
    recorder.step(loss)
    recorder.close()
    run = ss.Run.read(tmp_path / "run.jsonl")
    norm = math.sqrt(2 * 2**2 + 2 * 1**2)
    assert run["grad_norm"] == pytest.approx([norm])
    assert run["update_ratio"] == pytest.approx([0.5 * norm / size], rel=1e-5)


def test_weights_that_are_all_zero_have_no_ratio(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    with torch.no_grad():
        weight.zero_()
    for _ in range(2):
        optimizer.zero_grad()
        (weight - 1).square().sum().backward()
        optimizer.step()
        recorder.step(1.0)
    recorder.close()
    assert ss.Run.read(tmp_path / "run.jsonl").column("update_ratio").step.tolist() == [1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.complex64])
def test_norms_in_every_precision(dtype):
    weight = torch.full((4,), 2.0, dtype=dtype, requires_grad=True)
    weight.grad = torch.full((4,), 40_000.0, dtype=dtype)  # whose square no half precision holds
    optimizer = torch.optim.SGD([weight], lr=0.0)
    meter = Meter(optimizer)
    meter.before(closure=False)
    assert meter.after()["grad_norm"].item() == pytest.approx(80_000, rel=5e-3)


def test_of_a_large_model_a_share_of_the_weights_is_looked_at():
    found = []
    for copied in (1 << 24, 9_000):
        torch.manual_seed(0)
        model = nn.Linear(300, 300)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape)
        meter = Meter(optimizer, copied)
        meter.before(closure=False)
        optimizer.step()
        ratio = meter.after()["update_ratio"]
        found.append((ratio.above / ratio.below).item())
    assert found[1] == pytest.approx(found[0], rel=0.05)
    assert found[1] != found[0]


def test_the_norm_before_clipping(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    for _ in range(3):
        optimizer.zero_grad()
        (30 * weight.sum()).backward()
        recorder.gradients()
        nn.utils.clip_grad_norm_([weight], 1.0)
        optimizer.step()
        recorder.step(1.0)
    recorder.close()
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run["grad_norm"] == pytest.approx([30 * math.sqrt(2)] * 3)


def test_gradients_are_looked_at_before_clipping_at_measured_updates_alone(tmp_path):
    weight = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with Recorder(tmp_path / "run.jsonl", optimizer, every=3) as recorder:
        for _ in range(8):
            optimizer.zero_grad()
            (30 * weight.sum()).backward()
            recorder.gradients()
            nn.utils.clip_grad_norm_([weight], 1.0)
            optimizer.step()
            recorder.step(1.0)
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert run.column("grad_norm").step.tolist() == run.column("update_ratio").step.tolist() == [0, 3, 6]
    assert run["grad_norm"] == pytest.approx([30 * math.sqrt(2)] * 3)


def test_accumulating_for_long_is_not_taken_for_the_wrong_optimizer(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    for batch in range(1_200):
        if batch % 400 == 399:
            weight.sum().backward()
            optimizer.step()
        recorder.step(1.0)
    recorder.close()
    assert ss.Run.read(tmp_path / "run.jsonl").updates == 3


def test_a_resumed_adam_knows_where_it_stands(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl", optimizer=torch.optim.Adam)
    saved = []
    for _ in range(6):
        saved.append(copy.deepcopy(optimizer.state_dict()))
        weight.sum().backward()
        optimizer.step()
        recorder.step(0.0)
    recorder.close()
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl", optimizer=torch.optim.Adam)
    optimizer.load_state_dict(saved[4])
    for _ in range(3):
        weight.sum().backward()
        optimizer.step()
        recorder.step(1.0)
    assert recorder.state_dict() == {"updates": 7}
    recorder.close()
    assert ss.Run.read(tmp_path / "run.jsonl").loss.tolist() == [0, 0, 0, 0, 1, 1, 1]


def test_a_checkpoint_or_an_argument_says_where_it_stands(tmp_path):
    for start, loaded in ((0, None), (2, None), (0, 3)):
        weight, optimizer, recorder = simple(tmp_path / "run.jsonl", start=start)
        if loaded:
            recorder.load_state_dict({"updates": loaded})
        for _ in range(4):
            weight.sum().backward()
            optimizer.step()
            recorder.step(float(start + (loaded or 0)))
        recorder.close()
    assert ss.Run.read(tmp_path / "run.jsonl").loss.tolist() == [0, 0, 2, 3, 3, 3, 3]


def test_steps_called_once_in_several_updates_keep_their_numbers(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    for k in range(9):
        weight.sum().backward()
        optimizer.step()
        if k % 3 == 2:
            recorder.step(float(k))
    recorder.close()
    assert ss.Run.read(tmp_path / "run.jsonl").column("loss").step.tolist() == [2, 5, 8]


def test_in_a_distributed_training_process_0_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    weight.sum().backward()
    optimizer.step()
    recorder.gradients()
    recorder.step(1.0, val_loss=2.0)
    recorder.log(val_loss=1.0)
    recorder.close()
    assert os.listdir(tmp_path) == []


def test_a_validation_comes_with_the_update_or_later(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    for k in range(4):
        weight.sum().backward()
        optimizer.step()
        recorder.step(0.0, val_loss=torch.tensor(k * 1.0) if k == 1 else None)
    recorder.log(val_loss=9.0, epoch=1)
    recorder.close()
    run = ss.Run.read(tmp_path / "run.jsonl")
    assert [values.tolist() for values in run.column("val_loss")] == [[1, 3], [1.0, 9.0]]


def test_what_cannot_be_measured_ends_no_training(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    weight.sum().backward()
    strange = object()
    optimizer.param_groups[0]["params"].append(strange)
    with pytest.warns(RuntimeWarning, match="the recorder measures no more, only writes: AttributeError"):
        recorder.gradients()
    optimizer.param_groups[0]["params"].remove(strange)
    optimizer.step()
    recorder.step(1.0)
    recorder.close()
    assert ss.Run.read(tmp_path / "run.jsonl").loss.tolist() == [1.0]


def test_the_wrong_optimizer_is_noticed(tmp_path):
    _, _, recorder = simple(tmp_path / "run.jsonl")
    for _ in range(999):
        recorder.step(1.0)
    with pytest.warns(UserWarning, match="its optimizer has made no update"):
        recorder.step(1.0)
    recorder.close()


@pytest.mark.parametrize("loss", [torch.ones(3), "low", [1.0]])
def test_a_loss_that_is_not_one_number(tmp_path, loss):
    _, _, recorder = simple(tmp_path / "run.jsonl")
    with recorder, pytest.raises(ss.InvalidTraining, match="loss must be one number"):
        recorder.step(loss)


def test_no_optimizer(tmp_path):
    with pytest.raises(ss.InvalidTraining, match="optimizer must be a torch"):
        Recorder(tmp_path / "run.jsonl", nn.Linear(1, 1))


def test_a_forgotten_recorder_is_closed_and_leaves_the_optimizer_alone(tmp_path):
    weight, optimizer, recorder = simple(tmp_path / "run.jsonl")
    weight.sum().backward()
    optimizer.step()
    recorder.step(1.0)
    gone = weakref.ref(recorder)
    del recorder
    gc.collect()
    assert gone() is None
    assert not optimizer._optimizer_step_pre_hooks
    assert ss.Run.read(tmp_path / "run.jsonl").updates == 1
