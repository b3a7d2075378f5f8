"""A WebSocket server that does exactly what its script says: written by hand, so that it can also misbehave."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Text:
    """One text frame."""

    text: str


@dataclass(frozen=True)
class Close:
    """The server's close frame, without a code where none is given."""

    code: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Cut:
    """The connection ends without a goodbye."""


@dataclass(frozen=True)
class Answer:
    """In place of the handshake: a plain HTTP answer."""

    status: int
    headers: str = ""


Step = Text | Close | Cut | Answer


@dataclass
class Server:
    """The running server: where it is, and what it was asked."""

    endpoint: str
    requests: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@contextlib.asynccontextmanager
async def scripted(steps: Sequence[Step]) -> AsyncIterator[Server]:
    """Serve the script to everyone who connects; after its last step the connection just stays open."""
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            await _serve(reader, writer, steps, server)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    server = Server(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    try:
        yield server
    finally:
        listener.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, steps: Sequence[Step], server: Server
) -> None:
    request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    server.requests.append(request)
    server.asked.set()
    if steps and isinstance(steps[0], Answer):
        status, headers = steps[0].status, steps[0].headers
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n{headers}\r\n".encode())
        await writer.drain()
        return
    key = next(
        line.split(":", 1)[1].strip() for line in request.split("\r\n") if line.lower().startswith("sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()  # noqa: S324 (RFC 6455)
    writer.write(
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )
    for step in steps:
        match step:
            case Text(text):
                writer.write(_frame(0x1, text.encode()))
            case Close(code, reason):
                writer.write(_frame(0x8, b"" if code is None else code.to_bytes(2, "big") + reason.encode()))
            case Cut():
                return
            case Answer():
                raise AssertionError("an answer can only take the place of the handshake")
    await writer.drain()
    # Until the client leaves: its close frame, and then the end of the connection.
    while await reader.read(1024):
        if not any(isinstance(step, Close) for step in steps):
            writer.write(_frame(0x8, b""))
        return


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        return head + bytes([size]) + payload
    return (
        head + bytes([126]) + size.to_bytes(2, "big") + payload
        if size < 65536
        else head + bytes([127]) + size.to_bytes(8, "big") + payload
    )
