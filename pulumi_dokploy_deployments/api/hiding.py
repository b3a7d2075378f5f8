"""Texts that no message may carry: the key, the values of extra headers. Whatever others say goes through here."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "(hidden)"
_PIECES = re.compile(r"[\s;,=]+")
_LONG_PIECE = 8
_SHORT = 4
"""Shorter values are only hidden where they stand alone: hiding each "1" would make nonsense of every message."""


class Secrets:
    """The secrets of one connection, to be taken out of what servers and libraries say."""

    def __init__(self, values: Iterable[str]) -> None:
        whole = {value.strip() for value in values} - {""}
        # "Bearer abc…" or "session=abc…" may be quoted in part.
        pieces = {piece for value in whole for piece in _PIECES.split(value) if len(piece) >= _LONG_PIECE}
        self._values = tuple(sorted(whole | pieces, key=len, reverse=True))
        self._pattern = re.compile("|".join(_pattern_of(value) for value in self._values)) if self._values else None

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)})"

    def are_in(self, text: str) -> bool:
        """Whether the text quotes one of them."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def hide(self, text: str) -> str:
        """The text with each of them replaced."""
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)


def _pattern_of(value: str) -> str:
    escaped = re.escape(value)
    return rf"(?<!\w){escaped}(?!\w)" if len(value) < _SHORT else escaped


NOTHING_SECRET = Secrets(())
