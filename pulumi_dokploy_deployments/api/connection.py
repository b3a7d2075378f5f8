"""Where the server is, which key opens it and which headers lead to it: parsed, checked, kept out of every message."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Never, Self, SupportsIndex
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from pulumi_dokploy_deployments.api.errors import ConfigurationError, Step
from pulumi_dokploy_deployments.api.extra_headers import checked_headers
from pulumi_dokploy_deployments.api.hiding import Secrets
from pulumi_dokploy_deployments.api.text import Configured, Setting

MAX_HOST_LENGTH = 253
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")


class Connection(BaseModel):
    """A server's address and key, and the extra headers that an access proxy in front of it wants.

    Key and headers are `SecretStr`: they don't show in representations, and only the sending reads them. A connection
    can't be pickled, since whatever is pickled may end in a state file.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    origin: str
    """Scheme, host and port, with the path prefix where Dokploy is served below one; no trailing slash."""
    api_key: SecretStr
    name: str = ""
    """The name of the connection for messages; empty for the default one."""
    headers: Mapping[str, SecretStr] = Field(default_factory=dict)
    """Extra headers for an access proxy in front of the server: sent with every request and WebSocket."""

    @classmethod
    def parse(cls, endpoint: str, api_key: str, *, name: str = "", headers: Mapping[str, str] | None = None) -> Self:
        """Build a connection from what a user wrote.

        `https` is assumed where no scheme is given (plain `http` for loopback addresses), `/api` may be given or
        left out, trailing slashes are tolerated.

        Raises:
            ConfigurationError: the address has no host, a foreign scheme or credentials in it, the key has
                characters that no HTTP header can carry, or a header is none that may be set.
        """
        checked = checked_headers(headers or {}, connection=name)
        return cls(
            origin=_parse_origin(endpoint, name),
            api_key=SecretStr(_parse_key(api_key, name)),
            name=name,
            headers={header: SecretStr(value) for header, value in checked.items()},
        )

    def with_key(self, api_key: str) -> Self:
        """The same server, by the same headers, with another key.

        Raises:
            ConfigurationError: no HTTP header can carry the key.
        """
        return self.model_copy(update={"api_key": SecretStr(_parse_key(api_key, self.name))})

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("A Connection holds an API key and is not pickled: parse it where it is used.")

    @property
    def secrets(self) -> Secrets:
        """What no message may carry."""
        return Secrets(self.secret_values)

    @property
    def secret_values(self) -> tuple[str, ...]:
        """The key and the values of the extra headers in clear, to be looked for and masked."""
        return (self.api_key.get_secret_value(), *self.extra_headers().values())

    @property
    def identity(self) -> tuple[str, ...]:
        """Tells connections apart that lead to the same server with another key or other headers. Holds secrets."""
        extra = [text for name, value in sorted(self.extra_headers().items()) for text in (name, value)]
        return (self.origin, self.api_key.get_secret_value(), *extra)

    def extra_headers(self) -> dict[str, str]:
        """The extra headers in clear, for sending."""
        return {name: value.get_secret_value() for name, value in self.headers.items()}

    def request_headers(self) -> dict[str, str]:
        """The key and the extra headers in clear, for sending."""
        return {**self.extra_headers(), "x-api-key": self.api_key.get_secret_value()}

    @property
    def is_plain_http_to_remote_host(self) -> bool:
        """Whether the key would travel unencrypted over a network."""
        parts = urlsplit(self.origin)
        return parts.scheme == "http" and not _is_loopback(parts.hostname or "")

    @property
    def is_loopback(self) -> bool:
        """Whether the server is this very machine, so that no proxy has any business in between."""
        return _is_loopback(urlsplit(self.origin).hostname or "")

    @property
    def websocket_origin(self) -> str:
        """The origin with the scheme of WebSockets."""
        return "ws" + self.origin.removeprefix("http")


def _parse_origin(endpoint: str, name: str) -> str:
    text = endpoint.strip()
    if not text:
        raise ConfigurationError(
            "The address of the Dokploy server is empty.",
            next_step="Give it as https://dokploy.example.com.",
            step=Step.CONFIGURE,
        )
    if "://" not in text:
        parts = _split(f"//{text}")
        host = parts.hostname if parts is not None else None
        text = f"{'http' if _is_loopback(host or '') else 'https'}://{text}"
    parts = _split(text)
    if "@" in (parts.netloc if parts is not None else text):
        raise ConfigurationError(
            "The address of the Dokploy server contains a user name or a password.",
            next_step=("Give the bare address, and set the API key with ", Configured(Setting.API_KEY, name), "."),
            step=Step.CONFIGURE,
        )
    if parts is None or parts.scheme not in ("http", "https") or not _is_usable(text, parts):
        raise ConfigurationError(
            # What follows a question mark is left out: a key could have been pasted there.
            f"The address of the Dokploy server, {endpoint.strip().partition('?')[0]!r}, is not a web address.",
            next_step="Give it as https://dokploy.example.com.",
            step=Step.CONFIGURE,
        )
    path = parts.path.rstrip("/")
    while path.endswith("/api"):
        path = path.removesuffix("/api").rstrip("/")
    host = parts.hostname or ""
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown_host}{f':{parts.port}' if parts.port is not None else ''}{path}"


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _is_usable(text: str, parts: SplitResult) -> bool:
    """Whether a connection to the address could be attempted at all; what passes here never fails in a library."""
    # "https:/host" has no "://" and would name a host called https.
    if any(c.isspace() or not c.isprintable() for c in text) or parts.netloc.lower() in ("http:", "https:"):
        return False
    # Imported here: a program that only declares resources starts without the HTTP client.
    import httpx

    try:
        if not parts.hostname or "%" in parts.hostname or parts.port == 0:
            return False
        url = httpx.URL(text)
        # Reading the host decodes it, and resolving it encodes it: both reject what the parser lets through.
        host = url.host
        if ":" not in host:
            host.encode("idna")
    except (httpx.InvalidURL, ValueError):
        return False
    raw = url.raw_host.decode("ascii").removesuffix(".")
    return ":" in raw or (len(raw) <= MAX_HOST_LENGTH and _HOST.fullmatch(raw) is not None)


def _parse_key(api_key: str, name: str) -> str:
    key = api_key.strip()
    if not key:
        raise ConfigurationError(
            "The API key is empty.",
            next_step=(
                "Create one in Dokploy under Settings → Profile → API/CLI keys and set it with ",
                Configured(Setting.API_KEY, name),
                ".",
            ),
            step=Step.SET_KEY,
        )
    if not all("!" <= character <= "~" for character in key):
        raise ConfigurationError(
            "The API key contains spaces, line breaks or characters outside ASCII, so it can't be a Dokploy key.",
            next_step="Copy it again, without quotes around it.",
            step=Step.SET_KEY,
        )
    return key


def _is_loopback(host: str) -> bool:
    host = host.removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
