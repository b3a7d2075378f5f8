"""`doctor` names the cause: wrong key, used-up key, server down, wrong address, no permission, broken WebSockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from pulumi_dokploy_deployments.doctor.findings import Cause

from .conftest import Server

ELSEWHERE = "http://127.0.0.1:1"


def causes(server: Server, *arguments: str, key: str = "owner", **environ: str) -> tuple[int, list[str | None]]:
    answer = server.run("doctor", "--json", *arguments, key=key, **environ)
    findings = answer.json["findings"]
    bad = [finding for finding in findings if finding["level"] in ("warning", "failure")]
    assert all(finding["fix"] for finding in bad), "each with its fix"
    return answer.code, [finding["cause"] for finding in bad]


def test_all_is_well(server: Server) -> None:
    server.deployed("ok")
    answer = server.run("doctor", "--application", server.application("ok"))
    assert answer.code == 0
    assert answer.out.splitlines()[0] == server.endpoint
    assert answer.out.splitlines()[-1] == "All is well."
    assert "Versions are kept in local" in answer.out


def test_a_wrong_key(server: Server) -> None:
    assert causes(server, DOKPLOY_API_KEY="nonsense") == (3, [Cause.WRONG_KEY])


def test_a_key_whose_rate_limit_ends_while_it_is_examined(fresh_server: Server) -> None:
    assert causes(fresh_server, key="rate_limited") == (3, [Cause.RATE_LIMITED_KEY])


def test_a_key_that_was_used_up_before_may_be_either_and_that_is_said(fresh_server: Server) -> None:
    headers = {"x-api-key": fresh_server.key("rate_limited")}
    address = f"{fresh_server.endpoint}/api/settings.getDokployVersion"
    assert [httpx.get(address, headers=headers).status_code for _ in range(6)] == [200] * 5 + [401]
    answer = fresh_server.run("doctor", key="rate_limited")
    assert answer.code == 3
    assert "its rate limit is used up" in answer.out
    assert "or it is wrong" in answer.out
    assert "--look-up-key-file" in answer.out


def test_a_server_that_is_down(server: Server, hurried: None) -> None:
    assert causes(server, "--endpoint", ELSEWHERE) == (3, [Cause.SERVER_DOWN])


def test_a_wrong_address(server: Server, unlike_dokploy: str, hurried: None) -> None:
    assert causes(server, "--endpoint", "http://no-such-host.invalid") == (3, [Cause.WRONG_ADDRESS])
    assert causes(server, "--endpoint", unlike_dokploy) == (3, [Cause.WRONG_ADDRESS])


def test_no_permission(server: Server) -> None:
    assert causes(server, key="no_docker") == (0, [Cause.NO_PERMISSION])
    application = ("--application", server.application("ok"))
    assert causes(server, *application, key="member") == (3, [Cause.NO_PERMISSION] * 2)


def test_a_proxy_that_breaks_websockets(server: Server, proxy_without_websockets: str) -> None:
    assert causes(server, "--endpoint", proxy_without_websockets) == (0, [Cause.WEBSOCKET])


def test_a_proxy_whose_server_is_down(fresh_server: Server) -> None:
    fresh_server.simulator.control("fault", kind="http_error", endpoint="health", status=502, count=100)
    assert causes(fresh_server) == (3, [Cause.SERVER_DOWN])


def test_a_proxy_that_failed_once_is_no_finding(server: Server) -> None:
    server.simulator.control("fault", kind="http_error", endpoint="health", status=502)
    assert causes(server) == (0, [])


def test_a_redirect(server: Server) -> None:
    server.simulator.control("fault", kind="redirect", endpoint="health", location="https://login.example.net/")
    assert causes(server) == (3, [Cause.REDIRECT])


def test_the_key_of_another_file_that_can_not_be_read_is_a_usage_error(server: Server, tmp_path: Path) -> None:
    assert server.run("doctor", "--look-up-key-file", str(tmp_path / "none")).code == 2


class Listener:
    """A server for single connections on a thread of its own."""

    def __init__(self, upstream: str | None) -> None:
        self._upstream = urlsplit(upstream) if upstream else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self.endpoint = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if self._upstream is None or b"upgrade: websocket" in head.lower():
            writer.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        else:
            there, back = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
            line, _, rest = head.partition(b"\r\n")
            back.write(line + b"\r\nconnection: close\r\n" + rest.replace(b"Connection: keep-alive\r\n", b""))
            writer.write(await there.read())
            back.close()
        await writer.drain()
        writer.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


@pytest.fixture
def proxy_without_websockets(server: Server) -> Iterator[str]:
    """A proxy before the simulator that answers upgrades with 400."""
    listener = Listener(server.endpoint)
    yield listener.endpoint
    listener.close()


@pytest.fixture
def unlike_dokploy() -> Iterator[str]:
    """Something that listens and is not Dokploy."""
    listener = Listener(None)
    yield listener.endpoint
    listener.close()
