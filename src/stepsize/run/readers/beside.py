"""The settings of a training in a file beside its log: flat JSON or YAML, as loggers write them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

# A setting at the top of a YAML file: `lr0: 0.01`.
LINE = re.compile(r"([A-Za-z_]\w*):[ \t]+(\S.*?)[ \t]*(?:#.*)?")
# A larger file holds no settings.
LARGEST = 2**20


def beside(path: Path, name: str) -> dict[str, Any]:
    """The settings in the file `name` in the folder of `path`; none where there is none that can be read."""
    place = path.parent / name
    try:
        if place.stat().st_size > LARGEST:
            return {}
        text = place.read_text(encoding="utf-8-sig", errors="replace")
        found = json.loads(text) if name.endswith(".json") else _flat(text)
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _flat(text: str) -> dict[str, Any]:
    """The scalars at the top of a YAML document, as words; whatever lies deeper is passed over."""
    found = (LINE.fullmatch(line) for line in text.splitlines())
    return {match[1]: match[2].strip("'\"") for match in found if match is not None}
