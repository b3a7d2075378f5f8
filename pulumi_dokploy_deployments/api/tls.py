"""The certificates that servers are checked against. Reading them takes some 35 ms of CPU: once a process is enough."""

from __future__ import annotations

import os
import ssl
from functools import cache

import httpx

from pulumi_dokploy_deployments.api.connection import Connection


def tls_context(connection: Connection) -> ssl.SSLContext:
    """What a connection's client and its log streams check certificates with.

    Raises:
        OSError: the file or the folder that SSL_CERT_FILE or SSL_CERT_DIR names can't be read.
    """
    if connection.is_loopback and connection.origin.startswith("http:"):
        # Never used: no certificate is seen on the way to this machine itself, and no redirect leads elsewhere.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _trusting(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """What httpx makes of its own certificates or of these; it reads the environment itself."""
    return httpx.create_ssl_context()
