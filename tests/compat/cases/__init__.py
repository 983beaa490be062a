"""The calls that `tabulate.py` tabulates: for each library, a schedule, how many updates, and its arguments.

An argument that is itself a schedule is written as a case in miniature, `part("paddle:StepDecay", …)`; one that
is a function is written as `{"python": "lambda …"}`. `defect=` says what is wrong with the library's values.
"""

from typing import Any

Case = dict[str, Any]


def case(call: str, updates: int, /, *, note: str = "", defect: str = "", **arguments: Any) -> Case:
    extra = {name: text for name, text in (("note", note), ("defect", defect)) if text}
    return {"call": call, "arguments": arguments, "steps": list(range(updates)), **extra}


def part(call: str, /, **arguments: Any) -> Case:
    return {"call": call, "arguments": arguments}


def python(source: str) -> dict[str, str]:
    return {"python": source}
