"""A policy: one value, one document, one file, refused when no optimizer could follow it."""

import copy
import json
import math
import os
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.policy import OPTIMIZERS, as_policy
from tests.schedule.trees import lengths

shares = st.floats(0, 0.999)
positive = st.floats(1e-9, 10, allow_subnormal=False)
rising = st.builds(ss.linear, positive, positive, lengths)
rates = positive | rising | st.builds(lambda a, b, n: ss.cosine(a, b, n), positive, positive, lengths)
SETTINGS = {
    "momentum": shares,
    "dampening": shares,
    "alpha": shares,
    "rho": shares,
    "betas": st.tuples(shares, shares),
    "amsgrad": st.booleans(),
    "centered": st.booleans(),
    "weight_decay": positive | rising,
}


@st.composite
def policies(draw):
    optimizer = draw(st.sampled_from([*OPTIMIZERS, None]))
    names = list(SETTINGS) if optimizer is None else OPTIMIZERS[optimizer]
    chosen = draw(st.sets(st.sampled_from(names)))
    return ss.Policy(draw(rates), optimizer, **{name: draw(SETTINGS.get(name, positive)) for name in sorted(chosen)})


@given(policies())
def test_json_brings_back_an_equal_policy(policy):
    assert ss.Policy.from_json(policy.to_json()) == policy
    assert hash(ss.Policy.from_json(policy.to_json())) == hash(policy)


@given(policies())
def test_repr_is_the_code_that_makes_it(policy):
    assert eval(repr(policy), vars(ss)) == policy


@given(policies())
def test_it_can_be_pickled_and_copied(policy):
    assert pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy) == policy


@given(policies())
def test_every_setting_can_be_read_by_its_name(policy):
    for name, value in policy.settings:
        assert getattr(policy, name) == value
    assert policy.schedules.keys() | policy.constants.keys() == {"lr", *dict(policy.settings)}


def test_a_saved_policy_is_loaded_as_it_was(tmp_path):
    policy = ss.Policy(ss.wsd(1e-3, 100, 10, 20), "adamw", weight_decay=ss.linear(0, 0.1, 10), betas=(0.9, 0.95))
    path = policy.save(tmp_path / "policy.json")
    assert ss.Policy.load(path) == ss.Policy.load(str(path)) == policy
    assert os.listdir(tmp_path) == ["policy.json"]


def test_saving_replaces_the_old_file(tmp_path):
    path = ss.Policy(0.1).save(tmp_path / "policy.json")
    ss.Policy(0.2).save(path)
    assert ss.Policy.load(path) == ss.Policy(0.2)


def test_when_writing_fails_the_old_file_is_whole_and_no_part_is_left(tmp_path, monkeypatch):
    path = ss.Policy(0.1).save(tmp_path / "policy.json")

    def refuse(source, target):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        ss.Policy(0.2).save(path)
    assert os.listdir(tmp_path) == ["policy.json"]
    assert ss.Policy.load(path) == ss.Policy(0.1)


def test_saving_into_a_missing_directory_is_the_system_s_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        ss.Policy(0.1).save(tmp_path / "missing" / "policy.json")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: ss.Policy(0.1, "adamm"), "adamw.*'adamm'"),
        (lambda: ss.Policy(0.1, ["adam"]), r"\['adam'\]"),
        (lambda: ss.Policy(0.1, "sgd", momentum=0.9), "sgd takes no 'momentum'.*weight_decay"),
        (lambda: ss.Policy(0.1, "adamw", learning_rate=1), "takes no 'learning_rate'; it takes lr"),
        (lambda: ss.Policy(0.1, weight_decay=-1), "weight_decay .* -1"),
        (lambda: ss.Policy(0.1, weight_decay="0.1"), "weight_decay .* '0.1'"),
        (lambda: ss.Policy(0.1, weight_decay=math.nan), "weight_decay .* nan"),
        (lambda: ss.Policy(0.1, eps=None), "eps .* None"),
        (lambda: ss.Policy(0.1, "momentum", momentum=1.0), "momentum .* below 1, got 1.0"),
        (lambda: ss.Policy(0.1, "momentum", momentum=ss.linear(0.5, 1.25, 9)), "momentum .* below 1, got 1.25"),
        (lambda: ss.Policy(0.1, weight_decay=ss.linear(0.5, -1.0, 9)), "weight_decay .* at least 0, got -1.0"),
        (lambda: ss.Policy(0.1, "adam", betas=0.9), "betas must be a pair .* 0.9"),
        (lambda: ss.Policy(0.1, "adam", betas=(0.9,)), "betas must be a pair"),
        (lambda: ss.Policy(0.1, "adam", betas=(0.9, 1.0)), "betas .* 1.0"),
        (lambda: ss.Policy(0.1, "adam", betas=(0.9, "x")), "betas .* 'x'"),
        (lambda: ss.Policy(-0.1), "negative"),
        (lambda: ss.Policy(0), "lr must be above 0"),
        (lambda: ss.Policy(math.inf), "lr .* inf"),
        (lambda: ss.Policy("0.1"), "lr .* '0.1'"),
        (lambda: ss.Policy(True), "lr .* True"),
        (lambda: ss.Policy(None), "lr .* None"),
        (lambda: ss.Policy(ss.linear(0.1, -0.1, 100)), "falls to -0.1"),
        (lambda: ss.Policy(ss.piecewise_constant([0.1, -1], at=[5_000])), "falls to -1"),
        (lambda: ss.Policy(0.1, schema=1.0), "'schema'"),
        (lambda: ss.Policy(0.1, save=1.0), "'save'"),
        (lambda: ss.Policy(0.1, **{"weight decay": 1.0}), "'weight decay'"),
    ],
)
def test_what_no_optimizer_could_follow_is_refused_by_name_and_value(build, says):
    with pytest.raises(ss.InvalidPolicy, match=says):
        build()


def test_a_rate_may_be_zero_for_a_long_time():
    late = ss.piecewise_constant([0, 1e-3], at=[5_000])
    assert ss.Policy(late).lr == late


def test_a_number_and_a_schedule_are_policies_too():
    assert as_policy(0.1) == ss.Policy(0.1)
    assert as_policy(ss.linear(0, 1, 3)).lr == ss.linear(0, 1, 3)
    assert as_policy(ss.Policy(0.1)) == ss.Policy(0.1)


def test_a_setting_that_is_not_set_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="momentum"):
        _ = ss.Policy(0.1).momentum


def test_a_policy_cannot_be_changed():
    with pytest.raises(AttributeError):
        ss.Policy(0.1).lr = 3


VALID = json.loads(ss.Policy(ss.linear(0, 1, 10), "adamw", weight_decay=0.1).to_json())


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (VALID | {"schema": "stepsize.schedule/1"}, "stepsize.policy/1"),
        ({name: value for name, value in VALID.items() if name != "lr"}, "lr is missing"),
        (VALID | {"optimizer": ["adamw"]}, "optimizer"),
        (VALID | {"optimizer": "adamm"}, "adamm"),
        (VALID | {"self": 1}, "self"),
        (VALID | {"weight_decay": "much"}, "weight_decay"),
        (VALID | {"weight_decay": {"kind": "linear"}}, "weight_decay"),
        (VALID | {"lr": VALID["lr"] | {"steps": -1}}, "steps"),
        (VALID | {"lr": VALID["lr"] | {"kind": "liner"}}, "lr.kind"),
        (VALID | {"lr": [1, 2]}, "lr"),
        (VALID | {"lr": None}, "lr"),
        (VALID | {"colour": 1}, "colour"),
        ([], "object"),
        (3, "object"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file(document, says, tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ss.InvalidPolicy, match=says) as refused:
        ss.Policy.load(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00\x01", b"null", b"\x00" * 100])
def test_a_damaged_file_is_refused_by_its_name(content, tmp_path):
    path = tmp_path / "policy.json"
    path.write_bytes(content)
    with pytest.raises(ss.InvalidPolicy, match=re.escape(str(path))):
        ss.Policy.load(path)


names = st.sampled_from(["schema", "optimizer", "lr", "betas", "eps", "self", "weight_decay"]) | st.text(max_size=5)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


@given(names, anything)
def test_a_document_is_a_policy_or_an_error_that_says_why(name, value):
    says = ""
    try:
        policy = ss.Policy.from_json(json.dumps(VALID | {name: value}))
    except ss.InvalidPolicy as error:
        says = str(error)
    assert len(says) > 10 or ss.Policy.from_json(policy.to_json()) == policy
