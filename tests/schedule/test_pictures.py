"""A schedule draws itself: in Matplotlib, in a notebook, in a terminal."""

import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepsize as ss
from stepsize.schedule.picture import BARS
from tests.schedule.trees import schedules

LR = ss.warmup_cosine(1e-3, 1_000, 100)


def test_show_returns_axes_with_the_curve_and_opens_no_window():
    loaded = "matplotlib.pyplot" in sys.modules
    axes = LR.show()
    x, y = axes.lines[0].get_data()
    assert (x[0], x[-1]) == (0, 1_000)
    assert np.array_equal(y, LR(x))
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_show_draws_into_the_axes_it_is_given():
    axes = LR.show()
    assert ss.linear(1e-3, 0, 1_000).show(axes) is axes
    assert len(axes.lines) == 2


@given(schedules, st.integers(2, 80))
def test_a_sparkline_is_one_line_of_bars_no_wider_than_asked(schedule, width):
    line = schedule.sparkline(width)
    assert 0 < len(line) <= width
    assert set(line) <= set(BARS)


def test_a_sparkline_rises_and_falls_with_the_curve():
    assert ss.linear(0, 1, 100).sparkline(8) == BARS
    assert ss.linear(1, 0, 100).sparkline(8) == BARS[::-1]
    assert len(set(ss.constant(1.0).sparkline())) == 1


@given(schedules)
def test_in_a_notebook_it_is_a_curve_inside_its_frame(schedule):
    picture = ElementTree.fromstring(schedule._repr_svg_())
    width, height = (float(word) for word in picture.get("viewBox").split()[2:])
    points = picture.find("{*}polyline").get("points").split()
    places = np.array([point.split(",") for point in points], dtype=float)
    assert np.all((places >= 0) & (places <= (width, height)))
    assert np.all(np.diff(places[:, 0]) >= 0)


def test_the_notebook_picture_says_its_numbers():
    assert "peak 0.001" in LR._repr_svg_()


@pytest.mark.parametrize("schedule", [ss.constant(1.0), ss.inverse_sqrt(1.0, 10), ss.constant(0.0, 1)])
def test_what_never_ends_or_never_changes_can_be_drawn(schedule):
    assert schedule.sparkline()
    assert schedule.show().lines
    assert "polyline" in schedule._repr_svg_()
