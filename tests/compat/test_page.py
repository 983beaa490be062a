"""The conformance page says what the tests find, and the peers' defects are as it says."""

import re

import pytest

from tests.compat import page
from tests.compat.defects import ours, theirs


@pytest.fixture(scope="module")
def found():
    return theirs()


def test_the_page_is_what_its_script_writes():
    written = page.PAGE.read_text(encoding="utf-8")

    assert told(written) == told(page.page()), "run: python -m tests.compat.page"


def told(text):
    """The page without the measured differences, which another processor may round otherwise."""
    return re.sub(r"\| 1e-\d+ \|$", "| |", text, flags=re.MULTILINE)


def test_every_defect_shows_and_stepsize_has_none_of_them(found):
    for defect, value in found.items():
        ask = f"{defect.library}: {defect.what}"
        mine = ours(defect)
        assert str(value) != str(mine), ask
        assert "Error" not in str(mine), ask
        assert "nan" not in str(mine), ask
