"""A result as a page: one HTML file that answers first, draws its evidence, and needs no network.

    Page ─ answer, facts, sections
           Section ─ blocks: Text | Code | Table | Chart
                                            Chart ─ Series

A room describes what it found in these words; `render` makes the document and `save` writes it.
"""

from stepsize.report.colors import rate_color as rate_color
from stepsize.report.digits import number as number
from stepsize.report.page import Block as Block
from stepsize.report.page import Chart as Chart
from stepsize.report.page import Code as Code
from stepsize.report.page import Fact as Fact
from stepsize.report.page import Page as Page
from stepsize.report.page import Section as Section
from stepsize.report.page import Series as Series
from stepsize.report.page import Table as Table
from stepsize.report.page import Text as Text
from stepsize.report.render import render as render
from stepsize.report.render import save as save
