"""No answer takes more memory than its bound, and none more time than its caller has."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from pulumi_dokploy_deployments.api import client as client_module
from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import AnswerTooLarge, ApiError, RequestTimeout, SomethingInFront
from pulumi_dokploy_deployments.api.exchange import MOST_AT_ONCE
from pulumi_dokploy_deployments.api.models import ServiceKind

MEGABYTE = 1024 * 1024
JSON = {"content-type": "application/json"}


class Body(httpx.AsyncByteStream):
    """A body in pieces, as it would come over a network; counts what is taken of it."""

    def __init__(self, pieces: Callable[[], AsyncIterator[bytes]]) -> None:
        self._pieces = pieces
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces():
            self.taken += len(piece)
            yield piece


def _in_pieces(content: bytes) -> Body:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65_536):
            yield content[start : start + 65_536]

    return Body(pieces)


def _client(body: Body, *, timeout_seconds: float = 30.0, status: int = 200, **headers: str) -> DokployClient:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers={**JSON, **named}, stream=body))
    connection = Connection.parse("https://dokploy.example.com", "key")
    return DokployClient(connection, transport=transport, timeout_seconds=timeout_seconds)


def _bomb(bytes_unpacked: int, packing: str) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31 if packing == "gzip" else 15)
    parts = [compressor.compress(b" " * MEGABYTE) for _ in range(bytes_unpacked // MEGABYTE)]
    return b"".join(parts) + compressor.flush()


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
async def test_a_bomb_takes_no_more_memory_than_the_bound(packing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client_module._LONGEST, list, 4 * MEGABYTE)
    bomb = _bomb(512 * MEGABYTE, packing)
    assert len(bomb) < MEGABYTE
    async with _client(_in_pieces(bomb), content_encoding=packing) as client:
        tracemalloc.start()
        with pytest.raises(AnswerTooLarge, match="longer than"):
            await client.queue()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 12 * MEGABYTE


async def test_an_answer_without_an_end_is_left_when_it_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client_module._LONGEST, list, MEGABYTE)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    body = Body(endless)
    async with _client(body) as client:
        with pytest.raises(AnswerTooLarge):
            await client.queue()
    assert body.taken <= MEGABYTE + 65_536


async def test_packed_bytes_that_unpack_to_nothing_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client_module._LONGEST, list, MEGABYTE)

    async def empty_blocks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"\x00\x00\x00\xff\xff" * 10_000

    body = Body(empty_blocks)
    async with _client(body, content_encoding="deflate") as client:
        with pytest.raises(AnswerTooLarge):
            await client.queue()
    assert body.taken <= MEGABYTE + 50_000


async def test_an_answer_that_is_declared_too_long_is_not_read_at_all() -> None:
    body = _in_pieces(b"[]")
    async with _client(body, content_length=str(10**12)) as client:
        with pytest.raises(AnswerTooLarge, match="is longer than 64 MiB"):
            await client.queue()
    assert body.taken == 0


async def test_a_page_without_an_end_is_still_a_page() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"<p>" * 20_000

    async with _client(Body(endless), status=403) as client:
        with pytest.raises(SomethingInFront, match="403"):
            await client.queue()


@pytest.mark.parametrize("packing", ["gzip", "deflate", "identity", "x-gzip"])
async def test_packed_answers_are_unpacked(packing: str) -> None:
    content = b'["' + b"x" * 300_000 + b'"]'
    zipped = gzip.compress(content)
    packed = {"gzip": zipped, "x-gzip": zipped, "deflate": zlib.compress(content)}.get(packing, content)
    async with _client(_in_pieces(packed), content_encoding=packing) as client:
        with pytest.raises(ApiError, match="shape"):
            await client.queue()
        # The list was read; a text is no job.
    bare = zlib.compressobj(9, zlib.DEFLATED, -15)
    async with _client(_in_pieces(bare.compress(b"[]") + bare.flush()), content_encoding="deflate") as client:
        assert await client.queue() == []


@pytest.mark.parametrize(
    ("content", "packing"),
    [(b"[]", "gzip"), (b"[]", "br"), (gzip.compress(b"[]" * 500, mtime=0)[:-12], "gzip"), (b"\x00\xff", "deflate")],
)
async def test_wrongly_packed_answers_are_faults_in_front(content: bytes, packing: str) -> None:
    async with _client(_in_pieces(content), content_encoding=packing) as client:
        with pytest.raises(SomethingInFront) as caught:
            await client.queue()
    assert caught.value.is_transient
    assert caught.value.next_step


def _dripping() -> Body:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.001)

    return Body(drip)


async def test_the_time_counts_for_the_whole_exchange_and_not_for_each_read() -> None:
    async with _client(_dripping(), timeout_seconds=0.05) as client:
        with pytest.raises(RequestTimeout):
            await client.queue()


async def test_a_caller_with_less_time_bounds_every_call_by_it() -> None:
    async with _client(_dripping()) as client:
        began = asyncio.get_running_loop().time()
        hurried = client.within(0.05)
        for call in (
            hurried.queue(),
            hurried.read_log("d"),
            hurried.deploy(ServiceKind.POSTGRES, "p"),
            hurried.rollback("r"),
            hurried.within(60.0).all_deployments(),
        ):
            with pytest.raises(RequestTimeout):
                await call
        assert asyncio.get_running_loop().time() - began < 5.0


async def test_a_caller_with_less_time_shares_what_is_known_of_the_server() -> None:
    async with _client(_in_pieces(b"[]")) as client:
        await client.within(5.0).queue()
        assert client.has_worked
        assert client.within(1.0).has_worked


async def test_a_caller_without_any_time_left_sends_nothing() -> None:
    body = _in_pieces(b"[]")
    async with _client(body) as client:
        with pytest.raises(ApiError):
            await client.within(-3.0).queue()
    assert body.taken == 0


async def test_more_requests_than_the_bound_wait_in_the_client_and_all_are_answered() -> None:
    at_once = most = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return httpx.Response(200, headers=JSON, content=b"[]")

    connection = Connection.parse("https://dokploy.example.com", "key")
    async with DokployClient(connection, transport=httpx.MockTransport(answer)) as client:
        assert await asyncio.gather(*(client.queue() for _ in range(500))) == [[]] * 500
    assert most == MOST_AT_ONCE


async def test_what_the_server_works_on_for_minutes_keeps_nobody_waiting() -> None:
    """A database's deployment answers when its image has been pulled."""
    pulled = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            await pulled.wait()
        return httpx.Response(200, headers=JSON, content=b"[]")

    connection = Connection.parse("https://dokploy.example.com", "key")
    async with DokployClient(connection, transport=httpx.MockTransport(answer)) as client:
        deploying = [
            asyncio.create_task(client.deploy(ServiceKind.POSTGRES, f"db-{number}")) for number in range(MOST_AT_ONCE)
        ]
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert await client.queue() == []
        pulled.set()
        await asyncio.gather(*deploying)
