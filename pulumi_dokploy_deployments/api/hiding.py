"""The one place that finds secrets in a text: the key, the values of extra headers, secret variables.

Messages hide them by `Secrets`; lines of logs go through `redact.Redactor`, which is built on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "(hidden)"
_PIECES = re.compile(r"[\s;,=]+")
_LONG_PIECE = 8
_SHORT = 4
"""Shorter values are only hidden where they stand alone: hiding each "1" would make nonsense of every message."""


class Secrets:
    """Secrets to be taken out of what servers, libraries and logs say.

    Each is found as it is, and in the forms that it has in URLs and in JSON.

    Args:
        values: the secrets.
        in_pieces: whether the longer pieces of a value are secrets too: "Bearer abc…" or "session=abc…" may be quoted
            in part.
    """

    def __init__(self, values: Iterable[str], *, in_pieces: bool = True) -> None:
        whole = {value.strip() for value in values} - {""}
        if in_pieces:
            whole |= {piece for value in whole for piece in _PIECES.split(value) if len(piece) >= _LONG_PIECE}
        forms = {form for value in whole for form in _forms(value)}
        self._values = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._pattern = re.compile("|".join(_pattern_of(value) for value in self._values)) if self._values else None

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)})"

    def are_in(self, text: str) -> bool:
        """Whether the text quotes one of them."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def hide(self, text: str, mask: str = HIDDEN) -> str:
        """The text with each of them replaced by the mask."""
        return text if self._pattern is None else self._pattern.sub(mask, text)


def _forms(value: str) -> Iterable[str]:
    """How a secret may stand in a text."""
    yield value
    if len(value) >= _SHORT:
        yield quote(value, safe="", errors="replace")
        yield quote_plus(value, errors="replace")
        for is_ascii in (False, True):
            yield json.dumps(value, ensure_ascii=is_ascii)[1:-1]


def _pattern_of(value: str) -> str:
    escaped = re.escape(value)
    return rf"(?<!\w){escaped}(?!\w)" if len(value) < _SHORT else escaped


NOTHING_SECRET = Secrets(())
