"""What logged quantities are called here, and what is called nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepsize.run.column import column
from stepsize.run.readers.names import by_house_names, house_name

CALLED = {
    "loss": [
        "train_loss",
        "train/loss",
        "loss/train",
        "Loss/train",
        "training_loss",
        "tr_loss",
        "trl",
        "Train Loss",
        "total_loss",
        "lm loss",
        "train_loss_step",
        "train_loss_epoch",
        "epoch_loss",
        "loss/avg",
        "train/total_loss",
    ],
    "val_loss": [
        "val_loss",
        "eval_loss",
        "eval/loss",
        "validation/loss",
        "valid_loss",
        "Loss/Valid",
        "val loss",
        "dev_loss",
        "lm loss validation",
    ],
    "lr": [
        "lr",
        "learning_rate",
        "learning-rate",
        "Learning Rate",
        "LearningRate",
        "train/lr",
        "train/learning_rate",
        "lr/pg0",
        "lr-Adam",
        "lr-AdamW/pg1",
        "lr-SGD-1",
        "lr-Adam-1/pg2",
        "optim/learning_rate_group0",
        "epoch_learning_rate",
    ],
    "grad_norm": [
        "grad_norm",
        "gradient_norm",
        "gnorm",
        "grad norm",
        "train/grad_norm",
        "grad_2.0_norm_total",
        "total_grad_norm",
        "GradNorm",
        "l2_grad_norm",
        "optim/total_grad_norm",
    ],
    "update_ratio": ["update_ratio", "uratio", "update/param_ratio", "update_to_weight_ratio"],
    "epoch": ["epoch", "Epoch", "train/epoch"],
}
OWN = [
    "loss_scale",
    "loss_weight",
    "loss scaler",
    "learning_rate_multiplier",
    "lr_mult",
    "lr_scheduler",
    "lr-SGD-momentum",
    "lr-Adam/pg1-weight_decay",
    "max_lr",
    "initial_lr",
    "aux_loss",
    "kl_loss",
    "loss_kl",
    "val_loss_best",
    "best_val_loss",
    "min_loss",
    "smoothed",
    "smoothed_loss",
    "discriminator loss",
    "train/box_loss",
    "loss_1",
    "test_loss",
    "loss/test",
    "train_val_loss",
    "val_grad_norm",
    "grad_norm_clipped",
    "max_grad_norm",
    "grad_norm/layer1.weight",
    "grad_norm_3",
    "param_norm",
    "weight_norm",
    "log_update_ratio",
    "update",
    "ratio",
    "epoch_time",
    "epochs_left",
    "accuracy",
    "val_acc",
    "error",
    "perplexity",
    "step",
    "batch",
    "norm",
    "lossy",
    "flr",
    "",
]


@pytest.mark.parametrize("house", CALLED)
def test_names_of_one_thing_are_one_name(house):
    assert {name: house_name(name) for name in CALLED[house]} == dict.fromkeys(CALLED[house], house)


@pytest.mark.parametrize("name", OWN)
def test_names_of_other_things_stay(name):
    assert house_name(name) == name


@given(st.text(max_size=20))
def test_any_name_has_one_that_stays(name):
    assert house_name(house_name(name)) == house_name(name)


def seen(count):
    return column([*range(count)], [1.0] * count)


@pytest.mark.parametrize(
    ("names", "loss"),
    [
        ({"train_loss_step": 2, "train_loss_epoch": 9}, "train_loss_step"),
        ({"lm loss": 9, "total_loss": 9}, "total_loss"),
        ({"loss": 1, "train_loss": 9}, "loss"),
        ({"loss/train": 3, "train/loss": 9}, "train/loss"),
    ],
)
def test_of_several_the_exact_then_that_of_steps_then_the_longest_is_it(names, loss):
    columns = {name: seen(count) for name, count in names.items()}
    named = by_house_names(columns)
    assert named["loss"] is columns[loss]
    assert named.keys() == {"loss", *(name for name in names if name != loss)}


@given(st.dictionaries(st.sampled_from([name for names in CALLED.values() for name in names]), st.integers(1, 4)))
def test_no_column_is_lost_by_naming(counts):
    columns = {name: seen(count) for name, count in counts.items()}
    named = by_house_names(columns)
    assert sorted(map(id, named.values())) == sorted(map(id, columns.values()))
    assert {house_name(name) for name in counts} <= named.keys()
