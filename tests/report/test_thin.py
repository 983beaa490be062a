import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stepsize.report.thin import thin

LIMIT = 40
values = st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(float("nan"))
columns = st.lists(st.tuples(st.floats(1e-6, 1e6), values), min_size=1, max_size=300)


@given(columns, st.booleans())
def test_thinning_keeps_the_ends_the_extremes_and_that_there_are_gaps(column, log):
    x, y = (np.array(part) for part in zip(*sorted(column, key=lambda point: point[0]), strict=True))
    kept = thin(x, y, LIMIT, log=log)
    assert kept.size <= LIMIT
    assert {0, x.size - 1} <= set(kept)
    assert np.all(np.diff(kept) > 0)
    assert np.isnan(y).any() == np.isnan(y[kept]).any()
    assert np.isnan(y).all() or (np.nanmin(y), np.nanmax(y)) == (np.nanmin(y[kept]), np.nanmax(y[kept]))


def test_a_short_curve_is_left_alone():
    assert list(thin(np.arange(5.0), np.zeros(5), LIMIT)) == [0, 1, 2, 3, 4]


def test_a_logarithmic_axis_keeps_its_first_decades():
    x = np.arange(1.0, 100_001)
    kept = x[thin(x, np.sin(x), 400, log=True)]
    assert np.sum(kept < 10) == 9
