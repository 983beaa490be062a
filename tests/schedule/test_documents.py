"""A schedule as JSON, as code, as a pickle, as a key; and what is no schedule."""

import copy
import json
import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import stepsize as ss
from tests.schedule.trees import every_schedule, finite_schedules

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
words = ["kind", "start", "end", "steps", "of", "parts", "times", "stretch", "linear", "repeat", "sequence", "clip"]
nearly = json_values | st.sampled_from([*words, 0, -1, 1e999, 10**400, [], {}, {"kind": "sum", "parts": []}])


@given(every_schedule)
def test_json_brings_back_an_equal_schedule(schedule):
    assert ss.Schedule.from_json(schedule.to_json()) == schedule


@given(every_schedule)
def test_the_document_is_plain_json_and_says_what_it_is(schedule):
    document = json.loads(schedule.to_json(), parse_constant=pytest.fail)
    assert document["schema"] == "stepsize.schedule/1"


@given(every_schedule)
def test_repr_is_the_code_that_makes_it(schedule):
    assert eval(repr(schedule), vars(ss)) == schedule


@given(every_schedule)
def test_it_can_be_pickled_and_copied(schedule):
    _ = schedule.node.shape  # kept on the node once computed, but no part of what it is
    assert pickle.loads(pickle.dumps(schedule)) == copy.deepcopy(schedule) == schedule


@given(every_schedule)
def test_equal_schedules_have_equal_hashes(schedule):
    twin = ss.Schedule.from_json(schedule.to_json())
    assert hash(twin) == hash(schedule)
    assert len({twin, schedule}) == 1


@given(finite_schedules, finite_schedules)
def test_schedules_that_differ_in_a_value_are_not_equal(a, b):
    steps = range(40)
    assume(a(steps).tolist() != b(steps).tolist())
    assert a != b


def test_how_a_number_was_written_makes_no_difference():
    assert ss.linear(0, 1, 10) == ss.linear(0.0, 1.0, 10.0)
    assert ss.linear(0, 1, 10) != ss.linear(0, 1, 11)
    assert ss.constant(1.0) != 1.0


def test_a_schedule_cannot_be_changed():
    with pytest.raises(AttributeError):
        ss.linear(0, 1, 10).node = None


@st.composite
def spoiled_documents(draw):
    """A valid document with one place replaced, removed, or added to."""
    document = json.loads(draw(every_schedule).to_json())
    places = [document]
    for place in places:
        inner = place.values() if isinstance(place, dict) else place
        places.extend(value for value in inner if isinstance(value, dict | list))
    place = draw(st.sampled_from(places))
    keys = list(place) if isinstance(place, dict) else list(range(len(place)))
    key = draw(st.sampled_from(keys)) if keys else "kind"
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "remove":
            del place[key]
        case "add" if isinstance(place, dict):
            place[draw(st.text(max_size=5))] = draw(nearly)
        case _:
            place[key] = draw(nearly)
    return json.dumps(document)


@given(spoiled_documents() | json_values.map(json.dumps) | st.text())
def test_a_document_is_a_schedule_or_an_error_that_says_why(text):
    try:
        schedule = ss.Schedule.from_json(text)
    except ss.InvalidSchedule as error:
        schedule, says = None, str(error)
    if schedule is None:
        assert 10 < len(says) < 1_000
    else:
        assert ss.Schedule.from_json(schedule.to_json()) == schedule


SCHEMA = {"schema": "stepsize.schedule/1"}
LINEAR = {"kind": "linear", "start": 0, "end": 1, "steps": 10}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (LINEAR | {"schema": "stepsize.policy/1"}, 'expected "schema": "stepsize.schedule/1"'),
        (LINEAR | {"kind": "linaer"}, "schedule.kind: found 'linaer'"),
        (LINEAR | {"kind": ["linear"]}, "schedule.kind"),
        (LINEAR | {"steps": 0}, "steps .* got 0"),
        (LINEAR | {"start": [1, [2, 3]]}, "start must hold finite numbers"),
        (LINEAR | {"start": [1, "2"]}, r"schedule.start\[1\]: .* '2'"),
        (LINEAR | {"steps": 2.5}, "schedule.steps: .* 2.5"),
        (LINEAR | {"steps": None}, "schedule.steps: .* None"),
        (LINEAR | {"end": "1"}, "schedule.end: .* '1'"),
        (LINEAR | {"end": True}, "schedule.end: .* True"),
        (LINEAR | {"colour": "red"}, "unknown field colour"),
        ({"kind": "sequence", "parts": [LINEAR, LINEAR | {"end": {}}]}, r"schedule.parts\[1\].end: .* {}"),
        ({"kind": "sequence", "parts": [LINEAR, LINEAR | {"end": []}]}, r"end must hold finite numbers, got \(\)"),
        ({"kind": "sequence", "parts": [LINEAR]}, "two parts, got 1"),
        ({"kind": "scale", "factor": 2}, "field of is missing"),
        ({"kind": "scale", "factor": 2, "of": 3}, "schedule.of: .* 3"),
    ],
)
def test_what_is_wrong_in_a_document_is_named(document, says):
    with pytest.raises(ss.InvalidSchedule, match=says):
        ss.Schedule.from_json(json.dumps(SCHEMA | document))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "NaN",
        "[" * 100_000,
        '{"schema": "stepsize.schedule/1"}',
        '{"schema": "stepsize.schedule/1",' + '"kind": "scale", "factor": 2, "of": {' * 500 + "}" * 501,
        '{"schema": "stepsize.schedule/1", "kind": "constant", "steps": null, "value": ' + "9" * 5_000 + "}",
    ],
    ids=range(9),
)
def test_hopeless_documents_are_refused(text):
    with pytest.raises(ss.InvalidSchedule):
        ss.Schedule.from_json(text)
