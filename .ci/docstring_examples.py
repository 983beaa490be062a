"""For the reference: `>>>` lines at the end of a docstring are its Examples section, without saying so."""

import re
from typing import Any

import griffe


class DocstringExamples(griffe.Extension):
    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = re.sub(r"(?m)^>>> (?s:.*)", as_section, obj.docstring.value, count=1)


def as_section(found: re.Match[str]) -> str:
    return "Examples:\n" + re.sub(r"(?m)^(?=.)", "    ", found[0])
