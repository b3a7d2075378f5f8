"""Reads an answer's body within bounds: in bytes as sent and as unpacked, in memory, and in time linear to both."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

import httpx

_STEP = 256 * 1024
_PACKINGS = ("gzip", "x-gzip", "deflate")


class TooLong(Exception):
    """The body is longer than allowed."""


async def read_body(chunks: AsyncIterator[bytes], *, packing: str, most: int) -> bytes:
    """The whole body, unpacked.

    httpx unpacks each piece as a whole, so that a few kilobytes could become gigabytes before anybody counts them.

    Args:
        chunks: the body as it comes.
        packing: the header `content-encoding`.
        most: the longest body, in bytes.

    Raises:
        TooLong: there is more of it.
        httpx.DecodingError: it is packed in a way that was not asked for, or wrongly.
    """
    wanted = packing.strip().lower()
    if wanted in ("", "identity"):
        return await _plain(chunks, most)
    if wanted not in _PACKINGS:
        raise httpx.DecodingError("packed in a way that was not asked for")
    return await _unpacked(chunks, wanted, most)


async def _plain(chunks: AsyncIterator[bytes], most: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        if len(body) + len(chunk) > most:
            raise TooLong
        body += chunk
    return bytes(body)


async def _unpacked(chunks: AsyncIterator[bytes], packing: str, most: int) -> bytes:
    body, received = bytearray(), 0
    unpacker: zlib._Decompress | None = None
    try:
        async for chunk in chunks:
            received += len(chunk)
            if received > most:
                raise TooLong
            if not chunk:
                continue
            unpacker = unpacker or _unpacker(packing, chunk)
            while chunk:
                body += unpacker.decompress(chunk, _STEP)
                if len(body) > most:
                    raise TooLong
                chunk = unpacker.unconsumed_tail
    except zlib.error as error:
        raise httpx.DecodingError("wrongly packed") from error
    if unpacker is not None and not unpacker.eof:
        raise httpx.DecodingError("cut off")
    return bytes(body)


def _unpacker(packing: str, first: bytes) -> zlib._Decompress:
    if packing != "deflate":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    # Some servers mean the bare algorithm by "deflate", others zlib's format around it.
    is_zlib = first[0] & 0x0F == 8
    return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
