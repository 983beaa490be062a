"""`compat` gives the curves of the libraries themselves, update by update, and every one is an ordinary schedule."""

import json

import numpy as np
import pytest
import torch

import stepsize as ss
from stepsize.schedule.compat.call import LIBRARIES, names
from tests.compat.conformance import FUNCTIONS, cases, comparisons, schedule

CALLS = list(dict.fromkeys((library, one["call"]) for library in LIBRARIES for one in cases(library)))
# Second names of schedules that are compared by their first.
ALIASES = {"fastai": ("SchedNo",), "transformers": [name for name in names("transformers") if name.startswith("get_")]}


@pytest.mark.parametrize(("library", "call"), CALLS, ids=[call for _, call in CALLS])
def test_every_update_is_the_librarys(library, call):
    for one in comparisons(library):
        if one.call == call:
            differences = one.differences()
            beyond = np.flatnonzero(~(differences <= one.tolerance)).tolist()
            assert beyond == list(one.missed()), f"{one.case['arguments']}: {differences.max()}"


@pytest.mark.parametrize(("library", "call"), CALLS, ids=[call for _, call in CALLS])
def test_its_document_and_its_code_are_it(library, call):
    for case in cases(library):
        if case["call"] == call:
            made = schedule(case)
            assert ss.Schedule.from_json(made.to_json(), functions=FUNCTIONS) == made
            assert eval(repr(made), vars(ss).copy()) == made


@pytest.mark.parametrize(("library", "call"), CALLS, ids=[call for _, call in CALLS])
def test_one_step_at_a_time_and_a_tensor_give_the_same(library, call):
    case = next(one for one in cases(library) if one["call"] == call)
    made, steps = schedule(case), np.arange(0.0, 90.0)
    curve = made(steps)

    assert [made(int(step)) for step in steps] == pytest.approx(curve.tolist(), rel=1e-12, abs=1e-15)
    np.testing.assert_allclose(made(torch.from_numpy(steps)).numpy(), curve, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_name_of_a_library_is_compared(library):
    text = json.dumps(cases(library))
    missing = {name for name in names(library) if f'"{library}:{name}"' not in text}
    assert missing <= set(ALIASES.get(library, ()))
