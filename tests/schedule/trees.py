"""Random schedules: every leaf and every joint, nested, and how large such a schedule can become."""

import math

import numpy as np
from hypothesis import strategies as st

import stepsize as ss

values = st.floats(-4.0, 4.0, allow_subnormal=False)
rates = st.floats(1e-6, 4.0, allow_subnormal=False)
lengths = st.integers(1, 60)
timescales = st.floats(0.5, 200.0)
factors = st.floats(0.1, 1.5)

ramps = (
    st.builds(ss.linear, values, values, lengths)
    | st.builds(ss.cosine, values, values, lengths)
    | st.builds(ss.polynomial, values, values, lengths, st.floats(0.3, 4.0))
    | st.builds(ss.exponential, rates, rates, lengths)
    | st.builds(ss.one_minus_sqrt, values, values, lengths)
    | st.builds(ss.rex, values, values, lengths)
    | st.builds(ss.constant, values, lengths)
)
tails = (
    st.builds(ss.constant, values)
    | st.builds(ss.exponential_decay, values, st.floats(0.1, 1.0), timescales)
    | st.builds(ss.inverse_time, values, rates, timescales)
    | st.builds(ss.inverse_sqrt, values, timescales)
    | st.builds(ss.step_decay, values, st.floats(0.1, 1.0), lengths)
)


def _joints(parts):
    return (
        st.builds(lambda a, b: a >> b, parts, parts)
        | st.builds(lambda a, b: a * b, parts, parts)
        | st.builds(lambda a, b: a + b, parts, parts)
        | st.builds(lambda a, k: k * a, parts, values)
        | st.builds(lambda a, k: a + k, parts, values)
        | st.builds(lambda a, ends: a.clip(*sorted(ends)), parts, st.tuples(values, values))
        | st.builds(lambda a, n, shrink: a.repeat(n, shrink), parts, st.integers(1, 3), factors)
        | st.builds(lambda a, n, k: a.repeat(n, stretch=k), parts, st.integers(1, 3), st.sampled_from([1.5, 2, 3]))
    )


finite_schedules = st.recursive(ramps, _joints, max_leaves=6)
schedules = (
    finite_schedules
    | tails
    | st.builds(lambda a, b: a >> b, finite_schedules, tails)
    | st.builds(lambda a, b: a * b, finite_schedules, tails)
    | st.builds(lambda a, b: a + b, tails, finite_schedules)
    | st.builds(lambda a, shrink: a.repeat(shrink=shrink), finite_schedules, st.floats(0.1, 1.0))
    | st.builds(lambda a, k: a.repeat(stretch=k), finite_schedules, st.sampled_from([2, 3]))
)


def telling_steps(schedule: ss.Schedule) -> np.ndarray:
    """Every step of it and a few beyond, with fractions on both sides of each, from before 0."""
    last = 500 if math.isinf(schedule.length) else min(int(schedule.length), 500) + 3
    whole = np.arange(-3.0, last + 1)
    return np.sort(np.concatenate([whole, whole + 0.5, np.nextafter(whole, -9), np.nextafter(whole, 1e9), [1e6, 1e12]]))


def bound(document) -> float:
    """What no part of the schedule exceeds: rounding is measured against it, not against a lucky small result."""
    of = bound(document["of"]) if "of" in document else 0.0
    parts = [bound(part) for part in document.get("parts", [])]
    match document["kind"]:
        case "sequence":
            return max(parts)
        case "product":
            return math.prod(max(part, 1.0) for part in parts)
        case "sum":
            return sum(parts)
        case "scale":
            return max(abs(document["factor"]), 1.0) * of
        case "shift":
            return abs(document["offset"]) + of
        case "clip":
            return max(of, abs(document["low"]), abs(document["high"]))
        case "repeat":
            return max(1.0, document["shrink"]) ** (document["times"] or 1) * of
        case _:
            return max(abs(document.get(name, 0.0)) for name in ("start", "end", "value"))
