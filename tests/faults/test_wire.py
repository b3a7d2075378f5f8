"""What only a real socket shows: answers as HTTP/1.0, and bytes where the live log should have text."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, serve

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.log_stream import open_log_stream

KEY = "key-that-no-message-may-show"


async def test_answers_as_http_1_0_are_read_without_a_length_and_with_the_connection_closed() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[]")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, DokployClient(Connection.parse(f"http://127.0.0.1:{port}", KEY)) as client:
        assert await client.queue() == []
        assert await client.deployments_by_application("a") == []
    assert len(asked) == 2, "each on a connection of its own"


async def test_bytes_in_place_of_text_are_shown_as_far_as_they_are_text() -> None:
    async def speak(connection: ServerConnection) -> None:
        await connection.send(b"Initializing deployment\n")
        await connection.send(b"\xff\xfe caf\xc3\xa9\n")
        await connection.close()

    async with serve(speak, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with open_log_stream(Connection.parse(f"http://127.0.0.1:{port}", KEY), "/log") as stream:
            assert [chunk async for chunk in stream] == ["Initializing deployment\n", "\ufffd\ufffd café\n"]
