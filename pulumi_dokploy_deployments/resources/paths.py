"""Where a property is, and how Pulumi writes that. Imports nothing: programs that declare resources use it too."""

from __future__ import annotations

import re
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""`("triggers", "image")`, `("triggers", 2)`. The first part is the core's name, the rest the user's."""

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def spelled(path: Path) -> str:
    """`triggers.image`, `triggers[2]`, `triggers["a.b"]`."""
    text = str(path[0])
    for part in path[1:]:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}"
        else:
            quoted = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{quoted}"]'
    return text
