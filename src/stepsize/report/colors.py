"""Colours that carry a quantity."""

from __future__ import annotations

import numpy as np

# Viridis in hue and order, but its yellow end is darkened: every stop keeps a contrast of 3 on white paper.
STOPS = (
    (0x44, 0x01, 0x54),
    (0x46, 0x32, 0x7E),
    (0x36, 0x5C, 0x8D),
    (0x22, 0x7F, 0x8E),
    (0x17, 0x92, 0x70),
    (0x5C, 0x95, 0x22),
    (0xAC, 0x8C, 0x00),
)


def rate_color(fraction: float) -> str:
    """The colour of a rate, from dark purple for the smallest (0) to ochre for the largest (1).

    >>> rate_color(0.0), rate_color(1.0)
    ('#440154', '#ac8c00')
    """
    place = np.clip(np.nan_to_num(fraction), 0.0, 1.0) * (len(STOPS) - 1)
    channels = [np.interp(place, range(len(STOPS)), channel) for channel in zip(*STOPS, strict=True)]
    return "#" + "".join(f"{round(float(channel)):02x}" for channel in channels)
