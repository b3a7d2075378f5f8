"""Can the server be reached, and is it Dokploy? Asked without the key, which costs it nothing."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.one_line import one_line, sentence
from pulumi_dokploy_deployments.api.user_agent import user_agent
from pulumi_dokploy_deployments.doctor.findings import Cause, Finding, failure, note, ok, warning
from pulumi_dokploy_deployments.waiting.clock import Clock

HEALTH = "/api/health"
DATABASE_HEALTH = "/api/trpc/settings.health"
TIMEOUT_SECONDS = 10.0
TOLERATED_SKEW = timedelta(seconds=5)
CERTIFICATE_WARNING = timedelta(days=14)
_PROXY_HEADERS = ("server", "via", "cf-ray", "x-amz-cf-id", "x-cache", "x-served-by")


@dataclass(frozen=True)
class Answer:
    """One answer to a request without a key, or the way in which none came."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_json: bool = False
    body: Any = None
    error: Exception | None = None
    asked_at: datetime | None = None
    took_seconds: float = 0.0
    certificate_until: datetime | None = None

    @property
    def kind(self) -> str:
        """The content type, or what stands for it in a message."""
        return self.headers.get("content-type", "").partition(";")[0] or "no content type"


class Reacher:
    """Sends the requests without a key. Redirects are not followed: where they lead is a finding."""

    def __init__(self, connection: Connection, clock: Clock, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connection = connection
        self._clock = clock
        self._transport = transport

    async def ask(self, path: str) -> Answer:
        """GET a path below the address."""
        try:
            async with httpx.AsyncClient(
                transport=self._transport,
                trust_env=not self._connection.is_loopback,
                follow_redirects=False,
                timeout=TIMEOUT_SECONDS,
                headers={"user-agent": user_agent()},
            ) as http:
                asked_at, started = self._clock.now(), self._clock.monotonic()
                response = await http.get(f"{self._connection.origin}{path}")
                took = self._clock.monotonic() - started
                until = _certificate_end(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, ImportError, ValueError) as error:
            return Answer(error=error)
        try:
            body: Any = response.json()
            is_json = True
        except ValueError:
            body, is_json = None, False
        return Answer(response.status_code, dict(response.headers), is_json, body, None, asked_at, took, until)


def _certificate_end(response: httpx.Response) -> datetime | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    certificate = tls.getpeercert() if tls is not None else None
    end = certificate.get("notAfter") if certificate else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(end), UTC) if isinstance(end, str) else None


def is_dokploy(answer: Answer) -> bool:
    """Whether the answer to `/api/health` is Dokploy's."""
    return answer.status == 200 and isinstance(answer.body, dict) and answer.body.get("ok") is True


def judge_health(origin: str, answer: Answer) -> Finding:
    """What the answer to `/api/health` says of the address."""
    if answer.error is not None:
        return judge_error(origin, answer.error)
    if is_dokploy(answer):
        return ok("reachability", f"Dokploy answers at {origin} ({answer.took_seconds * 1000:.0f} ms).")
    status = answer.status or 0
    front = proxy_in_front(answer)
    if 300 <= status < 400:
        return _redirect(origin, answer)
    if status in (502, 503, 504):
        return failure(
            "reachability",
            Cause.SERVER_DOWN,
            f"{front or 'A proxy'} answers at {origin}, and Dokploy behind it does not ({status}).",
            "Start Dokploy (`docker service ls` shows whether it runs), or mend where the proxy sends its requests.",
        )
    if status in (401, 403, 407):
        return failure(
            "reachability",
            Cause.PROXY,
            f"{front or 'Something'} in front of {origin} wants a login of its own ({status}).",
            "Let requests to /api and /listen-deployment through without that login; the API key protects them.",
        )
    if status >= 500:
        return failure(
            "reachability",
            Cause.SERVER_DOWN,
            f"{origin} answers, but fails ({status} for {HEALTH}).",
            "Look at the log of the Dokploy container.",
        )
    return failure(
        "reachability",
        Cause.WRONG_ADDRESS,
        f"{origin} answers, but not as Dokploy does ({status}, {answer.kind} for {HEALTH}).",
        "Give the address under which Dokploy's dashboard opens, not that of an application deployed with it. "
        "Dokploy's own port is 3000.",
    )


def judge_error(origin: str, error: Exception) -> Finding:
    """Why no answer came."""
    host = urlsplit(origin).hostname or origin
    port = urlsplit(origin).port or (443 if origin.startswith("https:") else 80)
    chain = list(_chain(error))
    reason = one_line(error) or type(error).__name__
    lower = " ".join(str(link).lower() for link in chain)
    tls = next((link for link in chain if isinstance(link, ssl.SSLError)), None)
    if tls is not None or "ssl:" in lower or "certificate verify" in lower:
        return _tls(origin, lower, one_line(tls) if tls is not None else reason)
    unknown_name = (
        "name or service not known",
        "nodename nor servname",
        "getaddrinfo",
        "name resolution",
        "no address",
    )
    if any(isinstance(link, socket.gaierror | UnicodeError) for link in chain) or any(
        words in lower for words in unknown_name
    ):
        return failure(
            "reachability",
            Cause.WRONG_ADDRESS,
            f"There is no host {host!r}: its name does not resolve.",
            "Correct the address, or the name's DNS record.",
        )
    if any(isinstance(link, ConnectionRefusedError) for link in chain) or "connection refused" in lower:
        return failure(
            "reachability",
            Cause.SERVER_DOWN,
            f"{host} is there, but nothing listens on port {port}.",
            "Start Dokploy, or correct the port: Dokploy's own is 3000, behind a domain it is 443.",
        )
    if isinstance(error, httpx.ConnectTimeout):
        return failure(
            "reachability",
            Cause.UNREACHABLE,
            f"{host} does not answer on port {port}: no connection within {TIMEOUT_SECONDS:.0f} seconds.",
            "Open the port in the firewall for this machine, connect the VPN that the server is behind, or start it.",
        )
    if isinstance(error, httpx.TimeoutException):
        return failure(
            "reachability",
            Cause.SERVER_DOWN,
            f"{origin} takes the connection and does not answer within {TIMEOUT_SECONDS:.0f} seconds.",
            "Look at the load and at the log of the Dokploy container.",
        )
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return failure(
            "reachability",
            Cause.WRONG_ADDRESS,
            sentence(f"What listens on port {port} of {host} breaks the connection or does not speak HTTP: {reason}"),
            "Give https:// where the server expects it, and the port of Dokploy (3000), not another service's.",
        )
    return failure(
        "reachability",
        Cause.UNREACHABLE,
        sentence(f"No connection to {origin}: {reason}"),
        "Check the network of this machine, and HTTPS_PROXY in its environment.",
    )


def _tls(origin: str, lower: str, reason: str) -> Finding:
    if "wrong version number" in lower or "record layer failure" in lower or "unknown protocol" in lower:
        return failure(
            "TLS",
            Cause.TLS,
            f"{origin} does not speak TLS on that port.",
            f"Give the address as http://{origin.partition('://')[2]} on a network that you trust, or put a domain "
            "with a certificate in front (Dokploy: Settings → Web Server).",
        )
    if "self-signed" in lower or "self signed" in lower or "unable to get local issuer" in lower:
        what, fix = (
            "its certificate is not signed by an authority that this machine knows",
            "Get a certificate in Dokploy under Settings → Web Server (Let's Encrypt), or name your own authority's "
            "in SSL_CERT_FILE.",
        )
    elif "expired" in lower:
        what, fix = (
            "its certificate has expired",
            "Renew it; Traefik does that by itself when port 80 is reachable from the internet.",
        )
    elif "hostname mismatch" in lower or "doesn't match" in lower or "not valid for" in lower:
        what, fix = (
            "its certificate is for another name",
            "Use the name that the certificate is for, or set the domain in Dokploy under Settings → Web Server.",
        )
    else:
        what, fix = f"no TLS connection: {reason}", "Check the certificate of the domain."
    return failure("TLS", Cause.TLS, sentence(f"{origin} can't be trusted: {what}"), fix)


def _redirect(origin: str, answer: Answer) -> Finding:
    location = answer.headers.get("location", "")
    try:
        here, there = urlsplit(origin), urlsplit(location)
        target_port = there.port
    except ValueError:
        here, there, target_port = urlsplit(origin), urlsplit(""), None
    place = one_line(f"{there.scheme}://{there.hostname}{f':{target_port}' if target_port else ''}")
    if there.hostname and there.hostname == here.hostname and (here.scheme, there.scheme) == ("http", "https"):
        return failure(
            "redirect",
            Cause.REDIRECT,
            f"{origin} sends everything on to {place}, and the key is not sent along.",
            f"Give the address as {place}.",
        )
    if not there.hostname or there.hostname == here.hostname:
        shown = one_line(there.path) or "another page"
        return failure(
            "redirect",
            Cause.REDIRECT,
            f"{origin} answers {HEALTH} with a redirect to {shown} ({answer.status}): a login page, or not Dokploy.",
            "Give the address under which Dokploy's dashboard opens, and let /api through where a login is before it.",
        )
    return failure(
        "redirect",
        Cause.REDIRECT,
        f"{origin} sends everything on to another host, {place} ({answer.status}), and the key is not sent along.",
        f"If that is Dokploy, give {place} as the address. If it is a login page before it, let requests to /api and "
        "/listen-deployment through without it.",
    )


def further(connection: Connection, answer: Answer, now: datetime) -> list[Finding]:
    """What a good answer tells besides: TLS, proxies, clocks."""
    found = [_transport_security(connection, answer, now)]
    front = proxy_in_front(answer)
    if front is not None:
        found.append(note("proxy", f"{front} is in front of Dokploy.", "It must pass WebSockets on: see below."))
    else:
        found.append(ok("proxy", "No redirect, and no sign of a proxy that changes anything."))
    skew = clock_skew(answer)
    if skew is not None:
        found.append(_clock(skew))
    return found


def _transport_security(connection: Connection, answer: Answer, now: datetime) -> Finding:
    if connection.is_plain_http_to_remote_host:
        return warning(
            "TLS",
            Cause.TLS,
            "The address is plain http: the API key and all logs travel unencrypted.",
            "Set a domain with a certificate in Dokploy under Settings → Web Server and give its https:// address.",
        )
    if connection.origin.startswith("http:"):
        return ok("TLS", "Plain http, on this very machine.")
    until = answer.certificate_until
    if until is not None and until - now < CERTIFICATE_WARNING:
        return warning(
            "TLS",
            Cause.TLS,
            f"The certificate is good, but only until {until:%Y-%m-%d}.",
            "Find out why it is not renewed; Traefik does that a month before, when port 80 is reachable.",
        )
    return ok("TLS", f"The certificate is good{f' until {until:%Y-%m-%d}' if until is not None else ''}.")


def proxy_in_front(answer: Answer) -> str | None:
    """The proxy that the headers give away; Dokploy and its Traefik send none of them."""
    names = {name: answer.headers[name] for name in _PROXY_HEADERS if name in answer.headers}
    if not names:
        return None
    if "cf-ray" in names:
        return "Cloudflare"
    return (
        one_line(names.get("server") or names.get("via") or next(iter(names.values()))).partition("/")[0] or "A proxy"
    )


def clock_skew(answer: Answer) -> timedelta | None:
    """How far the server's clock is ahead of this machine's; None where the answer has no date."""
    if answer.asked_at is None or "date" not in answer.headers:
        return None
    try:
        server = parsedate_to_datetime(answer.headers["date"])
    except ValueError:
        return None
    if server.tzinfo is None:
        server = server.replace(tzinfo=UTC)
    # The header has whole seconds: its middle is compared with the middle of the exchange.
    middle = answer.asked_at + timedelta(seconds=answer.took_seconds / 2)
    return server + timedelta(seconds=0.5) - middle


def _clock(skew: timedelta) -> Finding:
    seconds = skew.total_seconds()
    if abs(skew) <= TOLERATED_SKEW:
        return ok("clock", "The clocks of server and this machine agree.")
    side = "ahead of" if seconds > 0 else "behind"
    return warning(
        "clock",
        Cause.CLOCK,
        f"The server's clock is {abs(seconds):.0f} s {side} this machine's: ages and estimates are off by that.",
        "Turn time synchronisation on (`timedatectl set-ntp true`) on the one that is wrong.",
    )


def judge_database(origin: str, answer: Answer) -> Finding | None:
    """Whether Dokploy's own database is there; None where the server does not tell."""
    if answer.status is not None and answer.status >= 500:
        return failure(
            "database",
            Cause.DATABASE_DOWN,
            f"Dokploy answers at {origin}, but its own database does not: it then refuses every key.",
            "Start Dokploy's Postgres (`docker service ps dokploy-postgres` shows why it does not run).",
        )
    if answer.status == 200 and answer.is_json:
        return ok("database", "Dokploy's own database answers.")
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
