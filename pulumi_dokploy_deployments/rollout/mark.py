"""The mark by which a run recognises its own deployment among everybody's.

It stands at the end of the description: `(pulumi run 3f9c…)` with twelve random digits, and behind them, where the
run can be told apart by what it deploys, a digest: `(pulumi run 3f9c…-a1b2c3d4e5f6)`. A run that was killed is found
again by its digest, since its random part is lost with it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable

_MARK = re.compile(r"\(pulumi run ([0-9a-f]{12})(?:-([0-9a-f]{12}))?\)")
_DIGEST_DIGITS = 12


def new_nonce() -> str:
    """Twelve hexadecimal digits that no other run has."""
    return secrets.token_hex(6)


def digest_of(parts: Iterable[object]) -> str:
    """Twelve hexadecimal digits that stand for a resource and what it deploys; the same parts give the same digits.

    Args:
        parts: values that JSON can carry; anything else counts by its text.
    """
    text = json.dumps(list(parts), sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_DIGITS]


def mark(description: str | None, nonce: str, digest: str = "") -> str:
    """The description with the run's mark behind it, as the dashboard and the queue will show it."""
    text = (description or "").strip()
    return f"{text} (pulumi run {nonce}{f'-{digest}' if digest else ''})".strip()


def carries(text: str | None, nonce: str) -> bool:
    """Whether a description is that of the run."""
    return bool(nonce) and any(found == nonce for found, _ in _MARK.findall(text or ""))


def nonce_with(text: str | None, digest: str) -> str | None:
    """The nonce of a run with this digest, if the description carries one."""
    if not digest:
        return None
    return next((nonce for nonce, found in _MARK.findall(text or "") if found == digest), None)


def unmark(text: str | None) -> str:
    """The description as the user gave it."""
    return _MARK.sub("", text or "").strip()
