"""Values and JSON documents, there and back.

A document is a JSON object whose "kind" names what it describes; the outermost one also carries
"schema": the noun and the version of its format. Reading is strict: an unknown kind, an unknown or
missing field, or a value of the wrong type is an error that names the place.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Document = dict[str, Any]
# Deep enough for any schedule a person composes; far below the interpreter's own recursion limit.
MAX_DEPTH = 100


class BadDocument(Exception):
    """What is wrong with a document; each noun turns it into its own error."""


def parse(text: str, schema: str) -> Document:
    """The document in `text`, once its "schema" is known to be `schema`."""
    try:
        document = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadDocument(f"not a JSON document: {error}") from error
    if not isinstance(document, dict):
        raise BadDocument(f'expected a JSON object with "schema": "{schema}", found {summary(document)}')
    if document.get("schema") != schema:
        raise BadDocument(f'expected "schema": "{schema}", found {summary(document.get("schema"))}')
    return document


def fields_document(value: Any) -> Document:
    """The fields of a dataclass as JSON values; nested nodes through their own `document()`."""
    fields = dataclasses.fields(value)
    return {field.name: _to_json(getattr(value, field.name)) for field in fields}


def _to_json(value: Any) -> Any:
    if hasattr(value, "document"):
        return value.document()
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    return value


def take_kind(document: Any, kinds: Mapping[str, Any], where: str) -> str:
    """The "kind" of `document`, which must be one of `kinds`."""
    if not isinstance(document, dict):
        raise BadDocument(f'{where}: expected an object with a "kind", found {summary(document)}')
    if where.count(".") + where.count("[") > MAX_DEPTH:
        raise BadDocument(f"nested more than {MAX_DEPTH} deep")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise BadDocument(f"{where}.kind: found {summary(kind)}; known are {', '.join(sorted(kinds))}")
    return kind


def take_fields(document: Document, readers: Mapping[str, Callable[[Any, str], Any]], where: str) -> Document:
    """Each field of `document` through its reader; none may be missing and none left over."""
    found = set(document) - {"kind", "schema"}
    if missing := readers.keys() - found:
        raise BadDocument(f"{where}: field {_names(missing)} is missing")
    if unknown := found - readers.keys():
        raise BadDocument(f"{where}: unknown field {_names(unknown)}; known are {_names(readers)}")
    return {name: read(document[name], f"{where}.{name}") for name, read in readers.items()}


def number(value: Any, where: str) -> float:
    """A finite JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise BadDocument(f"{where}: expected a finite number, found {summary(value)}")
    return value


def integer(value: Any, where: str) -> int:
    """A JSON number without a fraction."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadDocument(f"{where}: expected a whole number, found {summary(value)}")
    return value


def items(value: Any, where: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise BadDocument(f"{where}: expected a list, found {summary(value)}")
    return value


def is_finite(value: float) -> bool:
    """Whether the value is one number, finite as a float (a huge integer is not)."""
    try:
        return math.isfinite(value)
    except (OverflowError, TypeError):
        return False


def summary(value: Any) -> str:
    """A value as it appears in an error: short, on one line."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to write out an integer of thousands of digits
        text = f"{type(value).__name__} too long to show"
    return text if len(text) <= 60 else text[:57] + "..."


def _names(names: Any) -> str:
    return ", ".join(sorted(str(name) for name in names))


def write_atomically(path: str | os.PathLike[str], text: str) -> Path:
    """Write `text` so that `path` holds the old or the new content, never a part."""
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target
