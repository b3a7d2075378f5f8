"""Answers as a fault makes them: somebody else's in place of the server's, and the server's arriving badly."""

import zlib
from collections.abc import Awaitable, Callable
from functools import lru_cache

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pulumi_dokploy_deployments.simulator.http import answers
from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.world.faults import Fault, FaultKind

INSTEAD: tuple[FaultKind, ...] = ("http_error", "unauthorized", "garbage", "redirect", "answer", "gzip_bomb")
"""Faults that answer in place of the server."""
DAMAGING: tuple[FaultKind, ...] = ("truncated", "wrong_encoding", "drip", "cut_off")
"""Faults that spoil the server's answer."""
BOMB = 64 * 1024 * 1024
"""Bytes to which a bomb unpacks when nobody says how many; about a thousandth of them travel."""
DRIP = 16
"""Bytes of a drip when nobody says how many."""


def instead(fault: Fault) -> Response:
    """Return the answer that comes in place of the server's."""
    if fault.kind == "http_error":
        return answers.proxy_error(fault.status)
    if fault.kind == "redirect":
        return answers.moved(fault.location, 307)
    if fault.kind == "garbage":
        return answers.garbage()
    if fault.kind == "unauthorized":
        return answers.unauthorized()
    if fault.kind == "gzip_bomb":
        headers = {"content-encoding": "gzip"}
        return Response(_bomb(fault.size or BOMB), 200, headers, media_type="application/json")
    response = Response(fault.body.encode(), fault.status, fault.headers)
    response.headers["content-type"] = fault.content_type
    return response


@lru_cache(maxsize=2)
def _bomb(size: int) -> bytes:
    """Return gzip of a JSON list that holds nothing but `size` spaces."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b" " * 1024 * 1024
    packed = packer.compress(b"[")
    for start in range(0, size, len(block)):
        packed += packer.compress(block[: size - start])
    return packed + packer.compress(b"]") + packer.flush()


def damage(fault: Fault, response: Response, sleep: Callable[[float], Awaitable[None]]) -> Response:
    """Return the server's answer as it arrives."""
    body = bytes(response.body)
    if fault.kind == "truncated":
        response.body = body[: len(body) // 2]
        response.headers["content-length"] = str(len(response.body))
        return response
    if fault.kind == "wrong_encoding":
        response.headers["content-encoding"] = "gzip"
        return response
    if fault.kind == "cut_off":
        # An empty body would be whole when the connection breaks.
        response.headers["content-length"] = str(max(len(body), 1))
        return PiecemealResponse(response, [body[: len(body) // 2]], sleep, 0.0, breaks=True)
    size = fault.size or DRIP
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return PiecemealResponse(response, pieces, sleep, fault.seconds)


class PiecemealResponse(Response):
    """An answer whose body comes in pieces, with a wait before each, and that may break off after the last."""

    def __init__(
        self,
        response: Response,
        pieces: list[bytes],
        sleep: Callable[[float], Awaitable[None]],
        seconds: float,
        *,
        breaks: bool = False,
    ) -> None:
        """Take status and headers, the announced length among them, from `response`."""
        super().__init__(b"", response.status_code)
        self.raw_headers = response.raw_headers
        self._pieces = pieces
        self._sleep = sleep
        self._seconds = seconds
        self._breaks = breaks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head and pieces; raises BrokenConnection where the connection breaks."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self._pieces:
            await self._sleep(self._seconds)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self._breaks:
            raise BrokenConnection("cut_off")
        await send({"type": "http.response.body", "body": b"", "more_body": False})
