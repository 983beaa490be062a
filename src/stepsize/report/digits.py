"""Numbers as text, the same way in tiles, tables and (see axes.js) charts."""

from __future__ import annotations

import math


def number(value: float, digits: int = 4) -> str:
    """A number in `digits` significant digits; small and huge ones as a learning rate is written.

    >>> number(0.001), number(0.12345), number(12_000), number(2.5e7)
    ('1e-3', '0.1235', '12,000', '2.5e7')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size < 1e6 and value == int(value):
        return f"{int(value):,}"
    if not 1e-2 <= size < 1e6:
        return exponential(value, digits)
    before_point = len(str(int(size))) if size >= 1 else 0
    return trimmed(f"{value:,.{max(0, digits - before_point)}f}" if before_point else f"{value:.{digits}g}")


def exponential(value: float, digits: int) -> str:
    """Scientific notation without padding: 3.16e-4, not 3.160e-04."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{trimmed(mantissa)}e{int(exponent)}"


def trimmed(text: str) -> str:
    """The same number without zeros that say nothing."""
    return text.rstrip("0").rstrip(".") if "." in text else text
