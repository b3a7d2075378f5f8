"""Where the server is and which key opens it: parsed, checked and kept out of every message."""

from __future__ import annotations

import ipaddress
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from pulumi_dokploy_deployments.api.errors import ConfigurationError


class Connection(BaseModel):
    """A server's address and key.

    The key is a `SecretStr`: it does not show in representations, and only the client's header reads it.
    """

    model_config = ConfigDict(frozen=True)

    origin: str
    """Scheme, host and port, with the path prefix where Dokploy is served below one; no trailing slash."""
    api_key: SecretStr
    name: str = ""
    """The name of the connection for messages; empty for the default one."""

    @classmethod
    def parse(cls, endpoint: str, api_key: str, *, name: str = "") -> Self:
        """Build a connection from what a user wrote.

        `https` is assumed where no scheme is given (plain `http` for loopback addresses), `/api` may be given or
        left out, trailing slashes are tolerated.

        Raises:
            ConfigurationError: the address has no host, a foreign scheme or credentials in it, or the key has
                characters that no HTTP header can carry.
        """
        return cls(origin=_parse_origin(endpoint), api_key=SecretStr(_parse_key(api_key)), name=name)

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


def _parse_origin(endpoint: str) -> str:
    text = endpoint.strip()
    if not text:
        raise ConfigurationError(
            "The address of the Dokploy server is empty.",
            next_step="Give it as https://dokploy.example.com.",
        )
    if "://" not in text:
        host = urlsplit(f"//{text}").hostname or ""
        text = f"{'http' if _is_loopback(host) else 'https'}://{text}"
    parts = urlsplit(text)
    host, port = _host_and_port(text)
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "The address of the Dokploy server contains a user name or a password.",
            next_step="Give the bare address, and the API key as dokploy:apiKey.",
        )
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() for c in text):
        raise ConfigurationError(
            f"The address of the Dokploy server, {endpoint.strip()!r}, is not a web address.",
            next_step="Give it as https://dokploy.example.com.",
        )
    path = parts.path.rstrip("/").removesuffix("/api").rstrip("/")
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown_host}{f':{port}' if port else ''}{path}"


def _host_and_port(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    try:
        return parts.hostname or "", parts.port
    except ValueError:
        return "", None


def _parse_key(api_key: str) -> str:
    key = api_key.strip()
    if not key:
        raise ConfigurationError(
            "The API key is empty.",
            next_step="Create one in Dokploy under Settings → Profile → API/CLI keys.",
        )
    if not all("!" <= character <= "~" for character in key):
        raise ConfigurationError(
            "The API key contains spaces, line breaks or characters outside ASCII, so it can't be a Dokploy key.",
            next_step="Copy it again, without quotes around it.",
        )
    return key


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
