"""The whole document, and how it is written to disk."""

from __future__ import annotations

import os
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from stepsize._codec import write_atomically
from stepsize.report.markup import body_of
from stepsize.report.page import Page

# The browser itself then refuses whatever would reach for the network.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
STYLES = ("vendor/uPlot.min.css", "page.css")
SCRIPTS = ("screen.js", "vendor/uPlot.iife.min.js", "axes.js", "marks.js", "chart.js", "figure.js", "page.js")


def render(page: Page) -> str:
    """The page as one self-contained HTML document; the same page gives the same text."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(page.title)}</title>
<link rel="icon" href="data:,">
<style>
{assets(STYLES)}
</style>
</head>
<body>
{body_of(page)}
<script>
/* uPlot: {asset("vendor/uPlot-LICENSE")} */
(() => {{
{assets(SCRIPTS)}
}})();
</script>
</body>
</html>
"""


@cache
def asset(name: str) -> str:
    """One file that travels with this package."""
    return files("stepsize.report").joinpath(name).read_text(encoding="utf-8").strip()


def assets(names: tuple[str, ...]) -> str:
    """Several of them, one after another."""
    return "\n".join(asset(name) for name in names)


def save(page: Page, path: str | os.PathLike[str]) -> Path:
    """Write the page to `path`, whole or not at all: a reader never sees half of it."""
    document = render(page)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return write_atomically(path, document)
