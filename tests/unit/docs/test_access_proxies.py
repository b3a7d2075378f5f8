"""The page on proxies quotes what the code says, and its words on certificates are true."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import (
    ConnectionFailed,
    DokployError,
    LogStreamFailure,
    LogStreamUnavailable,
    Step,
)
from pulumi_dokploy_deployments.api.extra_headers import MOST_HEADERS
from pulumi_dokploy_deployments.api.log_stream import PING_SECONDS, open_log_stream
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.doctor import websocket
from tests.support.pages import ROOT

PAGE = (ROOT / "docs" / "guides" / "access-proxies.md").read_text(encoding="utf-8")
QUOTED = re.compile(r"`(\w+)`: <br>`([^`]+)`")
KEY = "k" * 40
ORIGIN = "https://dokploy.example.com"
HTML = {"content-type": "text/html; charset=utf-8"}
TEXT = {"content-type": "text/plain; charset=utf-8"}


def page(title: str) -> str:
    return f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n<body></body>\n</html>"


def answering(status: int, headers: dict[str, str], text: str = "") -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, headers=headers, text=text)


def failing(cause: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def handler(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(str(cause)) from cause

    return handler


LOGIN = "https://example.cloudflareaccess.com/cdn-cgi/access/login/dokploy.example.com?kid=1"
HTTPS = "https://dokploy.example.com/api/application.one?applicationId=a"
CAUSES: list[tuple[str, Callable[[httpx.Request], httpx.Response]]] = [
    (ORIGIN, answering(302, {"location": LOGIN})),
    (ORIGIN, answering(403, HTML, page("Just a moment..."))),
    (ORIGIN, answering(521, HTML, page("dokploy.example.com | 521: Web server is down"))),
    (ORIGIN, answering(526, HTML, page("dokploy.example.com | 526: Invalid SSL certificate"))),
    (ORIGIN, answering(502, HTML, page("502 Bad Gateway"))),
    (ORIGIN, answering(401, HTML, page("401 Authorization Required"))),
    ("http://dokploy.example.com", answering(301, {"location": HTTPS})),
    (ORIGIN, answering(429, HTML)),
    (ORIGIN, answering(404, TEXT, "404 page not found\n")),
    (ORIGIN, answering(200, HTML, page("Sign in"))),
    (ORIGIN, answering(502, TEXT, "Bad Gateway")),
    (ORIGIN, failing(ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate"))),
    (ORIGIN, failing(ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired"))),
    (ORIGIN, failing(ssl.SSLCertVerificationError(1, "certificate verify failed: Hostname mismatch"))),
    (ORIGIN, failing(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)"))),
]


async def told(origin: str, transport: httpx.MockTransport | None) -> tuple[str, str]:
    """The error's name and its message, as a table's cell has it."""
    async with DokployClient(Connection.parse(origin, KEY), transport=transport) as client:
        with pytest.raises(DokployError) as caught:
            await client.read_service(ServiceKind.APPLICATION, "a")
    return type(caught.value).__name__, caught.value.message.replace("|", "\\|")


async def test_every_message_on_the_page_is_the_code_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [await told(origin, httpx.MockTransport(cause)) for origin, cause in CAUSES]
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    said.append(await told(ORIGIN, None))
    assert QUOTED.findall(PAGE) == said


def test_what_doctor_says_of_cut_websockets_is_on_the_page() -> None:
    refused = LogStreamUnavailable(
        f"No live log from {ORIGIN}: the answer is 400 in place of a WebSocket.",
        failure=LogStreamFailure.UPGRADE_REFUSED,
        operation="listen-deployment",
        server=ORIGIN,
        status=400,
        next_step="",
        step=Step.LOOK_IN_FRONT,
    )
    finding = websocket.judge(refused)
    assert f"! {finding.check}       {finding.message}\n" in PAGE


def test_the_page_s_numbers_are_the_code_s() -> None:
    assert (MOST_HEADERS, PING_SECONDS) == (20, 10.0)
    assert "At most twenty." in PAGE
    assert "a ping every ten seconds" in PAGE


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine that no authority has signed, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and is not installed")
    made, key = tmp_path / "own.pem", tmp_path / "own.key"
    names = ("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "keyUsage=digitalSignature,keyCertSign")
    request = (openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=own", *names)
    subprocess.run([*request, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True)
    return made, key


def secured(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_ssl_cert_file_names_the_authority_that_requests_trust(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def empty_list(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]")
        await writer.drain()
        writer.close()

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    listener = await asyncio.start_server(empty_list, "127.0.0.1", 0, ssl=secured(certificate))
    connection = Connection.parse(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}", KEY)
    async with listener:
        async with DokployClient(connection) as client:
            with pytest.raises(ConnectionFailed, match="not signed by an authority"):
                await client.queue()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        async with DokployClient(connection) as client:
            assert await client.queue() == []


async def test_ssl_cert_file_names_the_authority_that_websockets_trust(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_line(socket: ServerConnection) -> None:
        await socket.send("Initializing deployment\n")

    async def first_line(connection: Connection) -> str:
        async with open_log_stream(connection, "/log") as stream:
            return await anext(stream)

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with serve(one_line, "127.0.0.1", 0, ssl=secured(certificate)) as listener:
        connection = Connection.parse(f"https://127.0.0.1:{next(iter(listener.sockets)).getsockname()[1]}", KEY)
        with pytest.raises(LogStreamUnavailable, match="not signed by an authority"):
            await first_line(connection)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert await first_line(connection) == "Initializing deployment\n"
