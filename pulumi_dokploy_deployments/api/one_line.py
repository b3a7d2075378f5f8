"""Foreign text made fit for one plain paragraph."""

from __future__ import annotations

MAX_SHOWN = 300


def one_line(value: object) -> str:
    """The text on one line, without control characters or a full stop at its end, and not too long.

    What a server or a library says goes to a terminal: an escape sequence in it must not.
    """
    raw = str(value)[: MAX_SHOWN * 20] if value is not None else ""
    text = " ".join("".join(c if c.isprintable() or c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in raw).split())
    text = text.rstrip(".:; ")
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def sentence(text: str) -> str:
    """The text with exactly one mark at its end."""
    trimmed = text.rstrip()
    return trimmed if trimmed.endswith((".", "!", "?", "…")) else f"{trimmed}."
