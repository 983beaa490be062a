"""The vocabulary as HTML; every text of the caller is escaped here and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape

from stepsize.report.digits import number
from stepsize.report.listing import listing
from stepsize.report.page import Block, Chart, Code, Fact, Page, Section, Table, Text
from stepsize.report.plot import document, drawable

NUMERIC = re.compile(r"[-+−]?[\d,.]+(e[-+]?\d+)?\s*(%|×)?|-?∞|–|")


def element(tag: str, text: str, kind: str = "") -> str:
    """An element around a caller's text, or nothing if there is no text."""
    name = f' class="{kind}"' if kind else ""
    return f"<{tag}{name}>{escape(text)}</{tag}>" if text else ""


def body_of(page: Page) -> str:
    """Everything a reader sees: the answer, the facts, the sections."""
    opening = (
        element("h1", page.title)
        + element("p", page.answer, "answer")
        + element("p", page.subtitle, "subtitle")
        + facts(page.facts)
    )
    closing = f"<footer>{element('p', page.footer)}</footer>" if page.footer else ""
    return f"<main>\n<header>{opening}</header>\n{lines(map(section, page.sections))}\n</main>\n{closing}"


def facts(entries: Sequence[Fact]) -> str:
    """The tiles under the answer."""
    tiles = [
        f"<div>{element('dt', fact.label)}{element('dd', fact.value)}{element('dd', fact.note, 'note')}</div>"
        for fact in entries
    ]
    return f'<dl class="facts">{lines(tiles)}</dl>' if tiles else ""


def section(part: Section) -> str:
    """A titled part of the page."""
    blocks = lines(block(entry) for entry in part.blocks)
    return f'<section aria-label="{escape(part.title)}">\n{element("h2", part.title)}\n{blocks}\n</section>'


@singledispatch
def block(entry: Block) -> str:
    """One block as HTML."""
    raise TypeError(f"a section holds Text, Code, Table and Chart, found {type(entry).__name__}")


@block.register
def _(entry: Text) -> str:
    return lines(element("p", part.strip()) for part in re.split(r"\n\s*\n", entry.body))


@block.register
def _(entry: Code) -> str:
    bar = f'{element("span", entry.label)}<button type="button" class="copy">Copy</button>'
    return f'<div class="code"><div>{bar}</div><pre tabindex="0">{element("code", entry.body)}</pre></div>'


@block.register
def _(entry: Table) -> str:
    name = escape(entry.caption or "table")
    box = f'<div class="scroll" role="region" tabindex="0" aria-label="{name}">{grid(entry)}</div>'
    return f'<div class="table">{box}{element("p", entry.note, "note")}</div>'


def grid(table: Table) -> str:
    """The table element itself; its first column names the rows."""
    numeric = [all(NUMERIC.fullmatch(row[i].strip()) for row in table.rows) for i in range(len(table.header))]
    head = "".join(
        f'<th scope="col"{aligned(right)}>{escape(cell)}</th>'
        for cell, right in zip(table.header, numeric, strict=True)
    )
    rows = lines(f"<tr>{cells(row, numeric)}</tr>" for row in table.rows)
    caption = element("caption", table.caption)
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def cells(row: Sequence[str], numeric: Sequence[bool]) -> str:
    """One row; the first cell is its header."""
    tags = ['th scope="row"'] + ["td"] * (len(row) - 1)
    return "".join(
        f"<{tag}{aligned(right)}>{escape(cell)}</{tag[:2]}>"
        for tag, cell, right in zip(tags, row, numeric, strict=True)
    )


def aligned(right: bool) -> str:
    """The class of a cell with a number in it."""
    return ' class="number"' if right else ""


@block.register
def _(entry: Chart) -> str:
    caption = f"<figcaption>{element('h3', entry.title)}{element('p', entry.note, 'note')}</figcaption>"
    drawing = plot(entry) if drawable(entry) else '<p class="empty">No data to draw.</p>'
    parts = lines([caption, drawing, data(entry)])
    return f'<figure class="chart" data-chart="{slug(entry.title)}">\n{parts}\n</figure>'


def plot(chart: Chart) -> str:
    """Where page.js draws the chart, and what it draws."""
    name = escape(f"{chart.title}: {chart.y_label} by {chart.x_label}; the numbers are in the table below")
    return (
        f'<div class="drawing">{element("p", chart.y_label, "y-label")}\n'
        f'<div class="plot" role="img" aria-label="{name}"></div>\n'
        f"{element('p', chart.x_label, 'x-label')}</div>\n"
        f'<div class="legend"></div>\n<p class="hint"></p>\n'
        "<noscript><p>The drawing needs JavaScript; the table below does not.</p></noscript>\n"
        f'<script type="application/json">{document(chart)}</script>'
    )


def data(chart: Chart) -> str:
    """The numbers of a chart, folded away."""
    if not chart.series:
        return ""
    marks = [f"{label}: {number(x)}" for x, label in chart.markers]
    marks += [f"{label}: {number(x0)} to {number(x1)}" for x0, x1, label in chart.spans]
    return f"<details><summary>Data</summary>{element('p', '; '.join(marks))}{block(listing(chart))}</details>"


def slug(title: str) -> str:
    """The title as a name that a test or a tool can ask for: lower case, words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower())) or "chart"


def lines(parts: Iterable[str]) -> str:
    """Parts one under the other, empty ones left out."""
    return "\n".join(part for part in parts if part)
