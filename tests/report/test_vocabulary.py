import numpy as np
import pytest

from stepsize.report import Chart, Series, Table, number


def test_equal_series_are_equal_whatever_holds_their_numbers():
    assert Series("a", np.arange(3), np.arange(3.0)) == Series("a", [0, 1, 2], (0.0, 1.0, 2.0))


@pytest.mark.parametrize(("x", "y", "band"), [([1, 2], [1], None), ([1], [1], ([1], [1, 2]))])
def test_columns_of_unequal_length_are_refused(x, y, band):
    with pytest.raises(ValueError, match="'a' needs columns of one length"):
        Series("a", x, y, band=band)


def test_a_row_that_does_not_fit_its_header_is_refused():
    with pytest.raises(ValueError, match="a row needs 2 cells"):
        Table(["a", "b"], [["1"]])


@pytest.mark.parametrize(("y_range", "log"), [((2, 1), False), ((0, 1), True), ((0, np.nan), False)])
def test_limits_that_no_axis_can_have_are_refused(y_range, log):
    with pytest.raises(ValueError, match="'t' cannot have y from"):
        Chart("t", "x", "y", [], log_y=log, y_range=y_range)


def test_options_are_named():
    with pytest.raises(TypeError):
        Chart("t", "x", "y", [], True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (12_000, "12,000"),
        (1e-3, "1e-3"),
        (3.16228e-4, "3.162e-4"),
        (0.01, "0.01"),
        (0.123456, "0.1235"),
        (-2.5, "-2.5"),
        (12.3456, "12.35"),
        (1234.56, "1,235"),
        (2.5e7, "2.5e7"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
    ],
)
def test_a_number_is_written_as_a_person_would(value, text):
    assert number(value) == text
