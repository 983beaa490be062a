import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from stepsize.report import Chart, Code, Fact, Page, Section, Series, Table, Text, render, save
from stepsize.report.listing import listing
from stepsize.report.markup import slug
from stepsize.report.plot import document, payload

HOSTILE = "</script><script>alert(1)</script><!-- \"'& <img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Collects the tags, the texts and the scripts of a document."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def count(self, name: str) -> int:
        return sum(tag == name for tag, _ in self.tags)


def hostile_page(word: str) -> Page:
    series = Series(word, [1, 2], [1, 2], color=word)
    chart = Chart(word, word, word, [series], note=word, spans=((1, 2, word),), markers=((1, word),))
    table = Table([word, word], [[word, word]], caption=word, note=word)
    sections = [Section(word, [Text(word), Code(word, word), table, chart])]
    return Page(word, word, [Fact(word, word, word)], sections, subtitle=word, footer=word)


def test_whatever_a_text_holds_it_stays_text():
    harmless, hostile = (Reader(render(hostile_page(word))) for word in ("word", HOSTILE))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert sum(text.count(HOSTILE) for text in hostile.texts) > 15


def test_data_cannot_leave_its_script_element():
    text = document(Chart("t", "x", "y", [Series(HOSTILE, [1], [1])]))
    assert not set("<>&") & set(text)
    assert json.loads(text)["series"][0]["label"] == HOSTILE


def test_the_page_needs_no_network(page):
    text = render(page)
    assert "default-src 'none'" in text
    without_comments = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert not re.search(r"https?://|//[a-z0-9-]+\.[a-z]", without_comments)
    links = [value for _, attrs in Reader(text).tags for name, value in attrs.items() if name in ("src", "href")]
    assert links == ["data:,"]
    assert not re.search(r"url\(|@import", "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL)))


def test_the_vendored_code_brings_its_licence(page):
    assert "Copyright (c) 2022 Leon Sorokin" in render(page)


def test_the_same_page_gives_the_same_document(page):
    assert render(page) == render(replace(page))


def test_the_answer_comes_before_the_evidence(page):
    text = render(page)
    assert text.index(page.answer) < text.index(page.facts[0].value) < text.index("<section")


def test_the_document_says_what_its_parts_are(page):
    reader = Reader(render(page))
    assert ("html", {"lang": "en"}) in reader.tags
    assert reader.count("h1") == reader.count("main") == 1
    assert reader.count("figure") == reader.count("figcaption") == 7
    assert all("scope" in attrs for tag, attrs in reader.tags if tag == "th")


def test_what_json_cannot_say_becomes_null():
    chart = Chart("t", "x", "y", [Series("a", [1, 2, 3, 4], [1, np.nan, np.inf, -np.inf])])
    assert json.loads(document(chart))["series"][0]["y"] == [1, None, None, None]


def test_a_logarithmic_axis_drops_what_it_cannot_show():
    chart = Chart("t", "x", "y", [Series("a", [-1, 0, 2, 3], [1, 1, 0, 5])], log_x=True, log_y=True)
    sent = payload(chart)
    assert sent["xs"] == [[2, 3]]
    assert sent["series"][0]["y"] == [None, 5]


def test_a_band_below_zero_keeps_its_area_on_a_logarithmic_axis():
    band = ([-1.0, 0.5], [3.0, 4.0])
    sent = payload(Chart("t", "x", "y", [Series("a", [1, 2], [1, 2], band=band)], log_y=True))
    assert sent["series"][0]["low"] == [0.5, 0.5]


def test_an_endless_span_is_drawn_to_the_edge_and_a_missing_one_not_at_all():
    spans = ((1.0, np.inf, "too high"), (np.nan, 1.0, "unknown"))
    sent = payload(Chart("t", "x", "y", [Series("a", [1], [1])], spans=spans, markers=((np.nan, "best"),)))
    assert (sent["spans"], sent["markers"]) == ([[1, 1e300, "too high"]], [])


def test_points_at_one_x_all_reach_the_browser_in_order():
    sent = payload(Chart("t", "x", "y", [Series("a", [2, 1, 2, 1], [1, 2, 3, 4])]))
    assert sent["series"][0]["y"] == [2, 4, 1, 3]
    assert np.all(np.diff(sent["xs"][0]) > 0)


def test_a_long_chart_stays_small():
    steps = np.arange(1_000_000)
    one = Series("a", steps, np.sin(steps))
    assert len(payload(Chart("t", "x", "y", [one]))["series"][0]["y"]) <= 2_000
    assert len(document(Chart("t", "x", "y", [one] * 12))) < 400_000


@pytest.mark.parametrize("xs", [[range(1_000)] * 3, [range(900), range(500), range(7)]])
def test_the_data_table_is_short_and_has_both_ends(xs):
    table = listing(Chart("t", "step", "loss", [Series(f"s{i}", x, x) for i, x in enumerate(xs)]))
    assert len(table.rows) <= 50
    assert table.rows[0][-1] == "0"
    assert table.rows[-1][-1] == str(len(xs[-1]) - 1)


def test_a_chart_without_data_says_so(page):
    figures = re.findall(r'<figure class="chart" data-chart="([\w-]+)">(.*?)</figure>', render(page), re.DOTALL)
    empty = [name for name, figure in figures if "No data" in figure]
    assert empty == ["all-missing", "nothing"]


@pytest.mark.parametrize(
    ("title", "name"), [("Loss by rate (×10)", "loss-by-rate-10"), ("Größe", "groe"), ("損失", "chart")]
)
def test_a_chart_is_named_after_its_title(title, name):
    assert slug(title) == name


def test_a_block_of_no_known_kind_is_refused():
    with pytest.raises(TypeError, match="found int"):
        render(Page("t", "a", [], [Section("s", [3])]))


def test_saving_makes_the_folder_and_leaves_one_file(page, tmp_path):
    path = save(page, tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8") == render(page)
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_save_leaves_the_old_page(page, tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        save(page, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
