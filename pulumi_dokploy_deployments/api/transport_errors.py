"""From a failure of the transport to an error of the tree: what happened, and whether anything had been sent."""

from __future__ import annotations

import re
import socket
import ssl
import zlib
from collections.abc import Iterator
from typing import Any

import httpx

from pulumi_dokploy_deployments.api.asked import Asked
from pulumi_dokploy_deployments.api.errors import (
    AnswerLost,
    ApiError,
    ConnectionFailed,
    InvalidRequest,
    RequestTimeout,
    SomethingInFront,
    Step,
    Trouble,
)
from pulumi_dokploy_deployments.api.hiding import Secrets
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.text import Action, Text

_UNKNOWN_NAME = ("name or service not known", "nodename nor servname", "name resolution", "no address associated")
_NO_TLS = ("wrong version number", "record layer failure", "unknown protocol", "http request")
_UNTRUSTED = ("self-signed", "self signed", "unable to get local issuer", "unable to verify the first")
_OTHER_NAME = ("hostname mismatch", "doesn't match", "not valid for")
_EXPIRED = ("has expired", "not yet valid")

_IN_WORDS = {
    Trouble.REFUSED: "nothing listens there",
    Trouble.UNKNOWN_NAME: "the host's name does not resolve",
    Trouble.NO_ANSWER: "no connection within the time limit",
    Trouble.UNREACHABLE: "there is no way to it from this machine",
    Trouble.UNTRUSTED: "its certificate is not signed by an authority that this machine knows",
    Trouble.EXPIRED: "its certificate has expired",
    Trouble.OTHER_NAME: "its certificate is for another name",
    Trouble.NO_TLS: "it does not speak TLS on that port",
    Trouble.TLS: "the connection could not be secured",
    Trouble.SLOW: "no whole answer within the time limit",
    Trouble.CLOSED: "it was closed before the answer was complete",
    Trouble.NOT_HTTP: "what came back is not HTTP",
    Trouble.OTHER: "the network gave no reason",
}
_TLS_TROUBLES = frozenset(
    {Trouble.UNTRUSTED, Trouble.EXPIRED, Trouble.OTHER_NAME, Trouble.NO_TLS, Trouble.TLS},
)


def connection_error(error: Exception, asked: Asked) -> ApiError:
    """The error that a failure of the transport stands for; what matters is whether anything had been sent."""
    trouble = trouble_of(error)
    reason = reason_of(error, secrets=asked.secrets)
    where: dict[str, Any] = {
        "operation": asked.operation,
        "server": asked.server,
        "has_worked": asked.has_worked,
    }
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return ConnectionFailed(
            f"{asked.server} does not answer ({reason}, for {asked.operation}).",
            trouble=trouble,
            next_step="Check the address, and that this machine can reach it.",
            **where,
        )
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return RequestTimeout(
            f"{asked.server} did not answer {asked.operation} in time.",
            trouble=trouble,
            next_step=_slow(),
            step=Step.RUN_AGAIN,
            **where,
        )
    # The resolver raises UnicodeError for names that it can't encode: nothing has been sent.
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.ProxyError | UnicodeError):
        return ConnectionFailed(
            sentence(f"No connection to {asked.server} (for {asked.operation}): {reason}"),
            trouble=trouble,
            next_step="Check the certificate of the domain, and that the address is right."
            if trouble in _TLS_TROUBLES
            else "Check the address, that the server is up, and its certificate.",
            **where,
        )
    if isinstance(error, httpx.DecodingError | httpx.InvalidURL | zlib.error):
        return SomethingInFront(
            f"Something in front of Dokploy answered: an unreadable answer ({asked.operation} at {asked.server}).",
            next_step="Look at the proxy in front of it: it packs or redirects answers wrongly.",
            step=Step.LOOK_IN_FRONT,
            **where,
        )
    # Everything else, a broken TLS connection in the middle of an answer included, may have come after the sending.
    return AnswerLost(
        sentence(f"The connection to {asked.server} broke during {asked.operation}: {reason}"),
        trouble=Trouble.CLOSED if trouble is Trouble.OTHER else trouble,
        next_step=_slow(),
        step=Step.RUN_AGAIN,
        **where,
    )


def unsendable(error: Exception, asked: Asked) -> InvalidRequest:
    """The error for a value that no request can carry, a half of a surrogate pair for instance: nothing was sent."""
    return InvalidRequest(
        f"{asked.operation} was not sent to {asked.server}: a value in it can't be written as UTF-8 or JSON.",
        operation=asked.operation,
        server=asked.server,
        status=None,
        has_worked=asked.has_worked,
        next_step="Take the odd characters out of the inputs.",
        step=Step.CHANGE_INPUT,
    )


def no_time_left(asked: Asked) -> ConnectionFailed:
    """The error for a request that its caller has no time for: nothing was sent."""
    return ConnectionFailed(
        f"{asked.operation} was not sent to {asked.server}: no time was left for it.",
        operation=asked.operation,
        server=asked.server,
        trouble=Trouble.SLOW,
        has_worked=asked.has_worked,
        next_step=("Give it more time, then ", Action.RUN_AGAIN, "."),
        step=Step.RUN_AGAIN,
    )


def trouble_of(error: BaseException) -> Trouble:
    """What went wrong, from the whole chain of causes: libraries keep the system's own word in it."""
    chain = list(_chain(error))
    said = " ".join(str(link) for link in chain).lower()
    if any(isinstance(link, ssl.SSLError) for link in chain) or "ssl:" in said or "certificate verify" in said:
        return _tls_trouble(said)
    if any(isinstance(link, socket.gaierror | UnicodeError) for link in chain) or _has(said, _UNKNOWN_NAME):
        return Trouble.UNKNOWN_NAME
    if any(isinstance(link, ConnectionRefusedError) for link in chain) or "connection refused" in said:
        return Trouble.REFUSED
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Trouble.NO_ANSWER
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return Trouble.SLOW
    if isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol):
        return Trouble.UNREACHABLE
    if isinstance(error, httpx.RemoteProtocolError):
        is_cut = _has(said, ("disconnected", "closed connection", "incomplete", "peer closed"))
        return Trouble.CLOSED if is_cut else Trouble.NOT_HTTP
    if isinstance(error, httpx.NetworkError | ConnectionError | httpx.StreamError):
        return Trouble.CLOSED
    return Trouble.OTHER


def reason_of(error: BaseException, *, secrets: Secrets) -> str:
    """Why a connection failed, in words: our own where the cause is known, else those of the system.

    A library's words are only used where they are the system's, and never where they quote what was sent: h11 quotes
    a header's value in full when it does not like it, and the key is the value of a header.
    """
    trouble = trouble_of(error)
    if isinstance(error, httpx.LocalProtocolError):
        return "a header of the request can't be written as HTTP"
    raw = _system_words(error)
    # Looked for before anything is cut: the half of a key would not be recognised any more.
    said = "" if secrets.are_in(raw) else _plain(raw)
    if said and trouble in (Trouble.UNREACHABLE, Trouble.OTHER, Trouble.CLOSED):
        return said
    if said and trouble is Trouble.TLS:
        return f"{_IN_WORDS[trouble]} ({said})"
    return _IN_WORDS[trouble]


def _system_words(error: BaseException) -> str:
    """What the system says, or the library where it speaks for it; empty where nobody says anything."""
    for link in _chain(error):
        if isinstance(link, ssl.SSLError):
            return str(link)
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    told = isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.NetworkError | OSError)
    return str(error) if told else ""


def _plain(said: str) -> str:
    """The words without the marks of the library: `[SSL: X] … (_ssl.c:1)`, `[Errno 5] …`."""
    text = one_line(re.sub(r"^\[[^\]]*\]\s*|\s*\(_ssl\.c:\d+\)\s*$", "", said[:1000]))
    # A class's name, or the text of a bytes object, is nothing for a person.
    return "" if re.fullmatch(r"\w*(Error|Exception|Timeout)\w*", text) or "b'" in text or 'b"' in text else text


def _tls_trouble(said: str) -> Trouble:
    for words, trouble in (
        (_NO_TLS, Trouble.NO_TLS),
        (_UNTRUSTED, Trouble.UNTRUSTED),
        (_EXPIRED, Trouble.EXPIRED),
        (_OTHER_NAME, Trouble.OTHER_NAME),
    ):
        if _has(said, words):
            return trouble
    return Trouble.TLS


def _slow() -> Text:
    return ("Check that the server is up and the way to it good, then ", Action.RUN_AGAIN, ".")


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said for word in words)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
