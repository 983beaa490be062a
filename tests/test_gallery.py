"""The gallery in the docs is what the code draws, and shows every schedule there is."""

import importlib.util
import inspect
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import stepsize as ss
from stepsize.schedule.picture import steps_to_draw

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def gallery():
    spec = importlib.util.spec_from_file_location("_make_gallery", DOCS / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_and_its_pictures_are_what_the_script_writes(gallery):
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == gallery.page()
    folder = DOCS / gallery.PICTURES
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == gallery.pictures()


def test_every_function_that_makes_a_schedule_is_shown(gallery):
    shown = " ".join(entry.code for entries in gallery.SECTIONS.values() for entry in entries)
    made_in = {name: getattr(value, "__module__", "") for name, value in vars(ss).items() if inspect.isfunction(value)}
    public = {
        name for name, place in made_in.items() if place.startswith("stepsize.schedule.") and "compat" not in place
    }
    assert len(public) > 30
    assert not [name for name in public if f"{name}(" not in shown]


def test_no_schedule_of_the_gallery_is_negative_or_jumps_out_of_range(gallery):
    for entries in gallery.SECTIONS.values():
        for entry in entries:
            schedule = eval(entry.code, dict(vars(ss)))
            values = schedule(steps_to_draw(schedule.length, 2_000))
            assert np.isfinite(values).all(), entry.code
            assert values.min() >= -1e-18, entry.code
            assert ss.Schedule.from_json(schedule.to_json(), {"math:sqrt": math.sqrt}) == schedule
