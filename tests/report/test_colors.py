import re
from itertools import pairwise

import pytest

from stepsize.report import rate_color
from stepsize.report.render import asset


def luminance(color: str) -> float:
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def theme(dark: bool) -> dict[str, str]:
    light_part, dark_part = asset("page.css").split("@media screen")
    return dict(re.findall(r"--([\w-]+): (#\w{6});", dark_part if dark else light_part))


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_lines_stand_out_from_the_paper(dark):
    colors = theme(dark)
    for name in ("ink", "quiet", "accent"):
        assert contrast(colors[name], colors["paper"]) >= 4.5, name
        assert contrast(colors[name], colors["surface"]) >= 4.5, name
    for name in (name for name in colors if name.startswith("series")):
        assert contrast(colors[name], colors["paper"]) >= 3, name


def test_rates_go_from_dark_to_bright_and_all_can_be_seen():
    colors = [rate_color(i / 20) for i in range(21)]
    assert all(luminance(one) < luminance(other) for one, other in pairwise(colors))
    assert all(contrast(color, "#ffffff") >= 3 for color in colors)


@pytest.mark.parametrize(("fraction", "color"), [(-1, "#440154"), (2, "#ac8c00"), (float("nan"), "#440154")])
def test_a_fraction_out_of_range_gets_the_nearest_colour(fraction, color):
    assert rate_color(fraction) == color
