"""The mark by which a run recognises its own deployment among everybody's (truth rule 1)."""

from __future__ import annotations

import re
import secrets

_MARK = re.compile(r"\(pulumi run ([0-9a-f]{12})\)")


def new_nonce() -> str:
    """Twelve hexadecimal digits that no other run has."""
    return secrets.token_hex(6)


def mark(description: str | None, nonce: str) -> str:
    """The description with the run's mark behind it, as the dashboard and the queue will show it."""
    text = (description or "").strip()
    return f"{text} (pulumi run {nonce})".strip()


def carries(text: str | None, nonce: str) -> bool:
    """Whether a description is that of the run."""
    return nonce in _MARK.findall(text or "")


def unmark(text: str | None) -> str:
    """The description as the user gave it."""
    return _MARK.sub("", text or "").strip()
