"""Makes foreign text fit to be shown: secrets masked, control characters and terminal commands taken out; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pulumi_dokploy_deployments.api.hiding import Secrets

MASK = "[secret]"
SHORTEST_SECRET = 4
"""Shorter values can't be masked: `1` or `on` as a secret would tear every line to pieces."""

# A string command (OSC, DCS, SOS, PM, APC) runs to its terminator; a terminal gives it up at the next escape.
_STRING_COMMAND = r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
_OTHER_ESCAPE = r"\x1b[ -/]*[0-~]?"
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_COMMAND = re.compile(f"{_STRING_COMMAND}|{_CSI}|{_OTHER_ESCAPE}")
# Also what ends a line elsewhere than at "\n", what turns the direction of reading, and halves of surrogate pairs.
_SPACES = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_RESET = "\x1b[0m"


class Redactor:
    """Cleans lines for one audience.

    Args:
        secrets: values that must not be shown: the key, the values of extra headers, secret variables. Each line of a
            value of several lines is masked, and so are the forms that a value has in URLs and in JSON.
        keep_colours: whether colours stay, for a terminal; everything else that a terminal obeys goes in any case.
    """

    def __init__(self, secrets: Iterable[str] = (), *, keep_colours: bool = False) -> None:
        parts = {neutral(part).strip() for secret in secrets for part in (secret, *secret.splitlines())}
        self._secrets = Secrets((part for part in parts if len(part) >= SHORTEST_SECRET), in_pieces=False)
        self._keep_colours = keep_colours

    def line(self, line: str) -> str:
        """One line, without anything but text (and colours, where they are kept); it stays one line."""
        plain = neutral(line).replace("\n", " ")
        if self._secrets.are_in(plain):
            # A colour in the middle of a secret would hide it from the search: such a line loses its colours.
            return self._secrets.hide(plain, MASK)
        return _coloured(line) if self._keep_colours else plain

    def text(self, text: str) -> str:
        """Several lines; a secret that spans them is masked in each."""
        return "\n".join(self.line(line) for line in text.split("\n"))

    def lines(self, lines: Iterable[str]) -> list[str]:
        """Each of the lines."""
        return [self.line(line) for line in lines]


def neutral(text: str) -> str:
    """The text without terminal commands, control characters and marks of reading direction; tabs and line ends stay.

    What it shows on a terminal is what it says.
    """
    return _controls_out(_COMMAND.sub("", text))


def _controls_out(text: str) -> str:
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", _SPACES.sub(" ", text)))


def _coloured(line: str) -> str:
    """The line with its colours, which end with it."""
    kept: list[str] = []
    at = 0
    for command in _COMMAND.finditer(line):
        kept.append(_controls_out(line[at : command.start()]))
        if _COLOUR.fullmatch(command.group()):
            kept.append(command.group())
        at = command.end()
    kept.append(_controls_out(line[at:]))
    told = "".join(kept).replace("\n", " ")
    return f"{told}{_RESET}" if "\x1b" in told and not told.endswith(_RESET) else told
