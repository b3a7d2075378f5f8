"""Extra headers for an access proxy in front of the server: written as JSON or as lines, checked, never shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NoReturn

from pulumi_dokploy_deployments.api.errors import ConfigurationError, Step
from pulumi_dokploy_deployments.api.text import Configured, Setting

MOST_HEADERS = 20
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")
_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-api-key",
    }
)


def parse_headers(text: str, *, connection: str = "") -> dict[str, str]:
    """Extra headers as `DOKPLOY_HEADERS` or the stack has them: a JSON object, or one `Name: value` a line.

    Args:
        text: `{"CF-Access-Client-Id": "…"}`, or the lines; empty for none.
        connection: the connection's name, for messages.

    Raises:
        ConfigurationError: it is neither, or a header is none that may be set. No value is repeated in the message.
    """
    stripped = text.strip()
    if not stripped:
        return {}
    written = _from_json(stripped, connection) if stripped.startswith(("{", "[")) else _from_lines(stripped, connection)
    return checked_headers(written, connection=connection)


def checked_headers(headers: Mapping[str, str], *, connection: str = "") -> dict[str, str]:
    """The headers, each fit to be sent; values without the blanks around them.

    Raises:
        ConfigurationError: a name or a value can't stand in a header, or the header is one that this package sets.
    """
    checked: dict[str, str] = {}
    for written, raw in headers.items():
        name, value = written.strip(), raw.strip()
        if not _NAME.fullmatch(name):
            _refuse("One of the extra headers has a name that no HTTP header can have.", connection)
        if name.lower() in _OURS or name.lower().startswith("sec-websocket-"):
            _refuse(f"The extra header {name} can't be set: this package sets it itself.", connection)
        if not _VALUE.fullmatch(value):
            _refuse(f"The value of the extra header {name} is empty or has characters outside ASCII.", connection)
        if name.lower() in {known.lower() for known in checked}:
            _refuse(f"The extra header {name} is given twice.", connection)
        checked[name] = value
    if len(checked) > MOST_HEADERS:
        _refuse(f"There are more than {MOST_HEADERS} extra headers.", connection)
    return checked


def _from_json(text: str, connection: str) -> dict[str, str]:
    try:
        parsed = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, list) or not all(_is_pair(pair) for pair in parsed):
        _refuse("The extra headers are not a JSON object of names and strings.", connection)
    return _once([(name, value) for name, value in parsed], connection)


def _is_pair(pair: object) -> bool:
    return isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], str)


def _from_lines(text: str, connection: str) -> dict[str, str]:
    pairs = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon:
            _refuse(f"Line {number} of the extra headers has no colon.", connection)
        pairs.append((name.strip(), value))
    return _once(pairs, connection)


def _once(pairs: list[tuple[str, str]], connection: str) -> dict[str, str]:
    if len({name for name, _ in pairs}) < len(pairs):
        _refuse("One of the extra headers is given twice.", connection)
    return dict(pairs)


def _refuse(message: str, connection: str) -> NoReturn:
    raise ConfigurationError(
        message,
        next_step=(
            'Write them as a JSON object, {"CF-Access-Client-Id": "…"}, or as one "Name: value" a line, and set them '
            "with ",
            Configured(Setting.HEADERS, connection),
            ".",
        ),
        step=Step.CONFIGURE,
    )
