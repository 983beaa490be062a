"""NaN and Inf in a record: where first, and whether the training came back from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stepsize.diagnosis.curve import in_order
from stepsize.diagnosis.phrases import place
from stepsize.diagnosis.trace import Trace
from stepsize.finding import Finding, Span
from stepsize.report.digits import number
from stepsize.run import Column

NAMES = {"loss": "loss", "val_loss": "validation loss", "grad_norm": "gradient norm"}
# Stretches of NaN this frequent are gaps of a table, not events of a training.
GAPS = 0.2
# Under mixed precision a gradient overflows now and then, and the update is skipped: up to this share of them.
OVERFLOWS = 0.02
# A loss that drops at once from above the first of these to exactly 0, and stays for so many points, was no number.
SUDDEN, STAYS = 0.01, 3


def nan_findings(trace: Trace) -> Iterator[Finding]:
    """What is no number in the loss, the validation loss and the norm of the gradient."""
    told = [*_in(trace, trace.loss, "loss"), *_in(trace, trace.val_loss, "val_loss")]
    yield from told
    if not told:
        yield from _in_gradient(trace)
    if not told:
        yield from _filtered(trace)


def _in(trace: Trace, column: Column, name: str) -> Iterator[Finding]:
    kept = in_order(column.step)
    steps, values = column.step[kept], column.value[kept]
    bad = ~np.isfinite(values)
    if not bad.any() or _are_gaps(bad):
        return
    first, last = int(np.argmax(bad)), bad.size - 1 - int(np.argmax(bad[::-1]))
    word = "NaN" if np.isnan(values[first]) else "infinite"
    at, what = place(column.clock, steps[first]), NAMES[name]
    span = Span(name, float(steps[first]), float(steps[last]), word)
    numbers = (("first", float(steps[first])), ("points", float(bad.sum())))
    back = values.size - 1 - last
    if back >= STAYS:
        message = f"The {what} was {word} at {bad.sum():,} of {bad.size:,} points, first at {at}, and came back."
        advice = f"Clip the gradient's norm, and see whether it recurs at {_third(trace)}."
    elif bad[:last].all() and first == 0:
        message = f"The {what} was never a number: {word} from {at} on."
        advice = f"Look at the data and the first forward pass; then try {_tenth(trace)}."
    else:
        message = f"The {what} is {word} from {at} on{_rose(values[:first])}."
        advice = f"Go back to before {at} and go on with {_tenth(trace)}."
    doubt = "A division by zero or a logarithm of it in the loss or the data, which no rate repairs."
    yield Finding("nan", message, 1.0, advice, numbers, (span,), doubt)


def _are_gaps(bad: NDArray[np.bool_]) -> bool:
    begins = np.count_nonzero(bad[1:] & ~bad[:-1])
    return bool(bad.size > STAYS and begins > GAPS * bad.size)


def _rose(before: NDArray[np.float64]) -> str:
    """That the loss had risen before it ended, which tells a runaway from a fault of the data."""
    if before.size < STAYS:
        return ""
    last, low = float(before[-1]), float(before.min())
    return f", after it had risen from {number(low)} to {number(last)}" if last > 2 * low > 0 else ""


def _in_gradient(trace: Trace) -> Iterator[Finding]:
    """A gradient that is no number while the loss is one: its log was filtered, or updates are skipped."""
    steps, values = trace.grad_norm
    bad = ~np.isfinite(values)
    if not bad.any() or _are_gaps(bad):
        return
    trailing = int(np.argmin(bad[::-1])) if not bad.all() else bad.size
    first = int(np.argmax(bad))
    numbers = (("first", float(steps[first])), ("points", float(bad.sum())))
    at, clock = place(trace.grad_norm.clock, steps[first]), trace.grad_norm.clock
    if trailing >= STAYS:
        since = bad.size - trailing
        yield Finding(
            "nan",
            f"From {place(clock, steps[since])} on the gradient norm is no number, though the loss in the log is one: "
            "the log was filtered, or every update is skipped.",
            0.95,
            f"Turn the filter off (logging_nan_inf_filter=False in transformers) and go back to before {at}.",
            numbers,
            (Span("grad_norm", float(steps[since]), float(steps[-1]), "no number"),),
            "A gradient norm that is logged where none was computed.",
        )
    elif bad.sum() > max(STAYS, OVERFLOWS * bad.size):
        yield Finding(
            "nan",
            f"The gradient norm is no number at {bad.sum():,} of {bad.size:,} points, first at {at}; "
            "those updates changed nothing or broke something.",
            0.9,
            f"Use bfloat16 in place of float16, or try {_third(trace)}.",
            numbers,
            (Span("grad_norm", float(steps[first]), float(steps[-1]), "no number"),),
            "Dynamic loss scaling, which skips such updates by design, if it is rare after the start.",
        )


def _filtered(trace: Trace) -> Iterator[Finding]:
    """A loss that is suddenly and for good exactly 0, as a filter writes it when all it has is NaN."""
    steps, values = trace.loss
    if values.size <= STAYS or values[-1] != 0 or not (values != 0).any():
        return
    since = values.size - int(np.argmax(values[::-1] != 0))
    if values.size - since < STAYS or not values[max(0, since - STAYS) : since].min() > SUDDEN:
        return
    at = place(trace.loss.clock, steps[since])
    yield Finding(
        "nan",
        f"At {at} the loss drops at once from {number(float(values[since - 1]))} to exactly 0 and stays there: very "
        "likely it was NaN and the log filtered it.",
        0.85,
        f"Turn the filter off (logging_nan_inf_filter=False in transformers) and go back to before {at}.",
        (("before", float(values[since - 1])), ("first", float(steps[since]))),
        (Span("loss", float(steps[since]), float(steps[-1]), "exactly 0"),),
        "A loss that can be exactly 0, such as a hinge.",
    )


def _tenth(trace: Trace) -> str:
    return f"a peak of {number(trace.rate / 10, 2)}, 10 times lower" if trace.rate > 0 else "a tenth of the rate"


def _third(trace: Trace) -> str:
    return f"a peak of {number(trace.rate / 3, 2)}, 3 times lower" if trace.rate > 0 else "a third of the rate"
