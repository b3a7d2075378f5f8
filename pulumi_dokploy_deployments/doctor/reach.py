"""Can the server be reached, and is it Dokploy? Asked without the key, which costs it nothing. Judgements only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from pulumi_dokploy_deployments.api.answers import Answer
from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError, ConnectionFailed, Trouble
from pulumi_dokploy_deployments.api.exchange import CONNECT_TIMEOUT_SECONDS
from pulumi_dokploy_deployments.api.one_line import one_line
from pulumi_dokploy_deployments.api.who_answered import Speaker, describe, who_answered
from pulumi_dokploy_deployments.doctor.findings import Cause, Finding, failure, note, ok, warning

HEALTH = "/api/health"
DATABASE_HEALTH = "/api/trpc/settings.health"
TIMEOUT_SECONDS = 15.0
TOLERATED_SKEW = timedelta(seconds=5)
CERTIFICATE_WARNING = timedelta(days=14)
_PROXY_HEADERS = ("server", "via", "cf-ray", "x-amz-cf-id", "x-cache", "x-served-by")


@dataclass(frozen=True)
class Look:
    """One answer to a request without a key, and when it was asked for."""

    answer: Answer
    asked_at: datetime | None = None
    took_seconds: float = 0.0


def is_dokploy(answer: Answer) -> bool:
    """Whether the answer to `/api/health` is Dokploy's."""
    reading = who_answered(answer.status, answer.content_type, answer.body, may_be_empty=False)
    is_data = reading.speaker is Speaker.DATA and isinstance(reading.body, dict)
    return answer.status == 200 and is_data and reading.body.get("ok") is True


def judge_health(origin: str, look: Look) -> Finding:
    """What the answer to `/api/health` says of the address."""
    answer = look.answer
    if is_dokploy(answer):
        return ok("reachability", f"Dokploy answers at {origin} ({look.took_seconds * 1000:.0f} ms).")
    status = answer.status
    front = proxy_in_front(answer)
    if 300 <= status < 400:
        return _redirect(origin, answer)
    if status in (502, 503, 504):
        return failure(
            "reachability",
            Cause.SERVER_DOWN,
            f"{front or 'A proxy'} answers at {origin}, and Dokploy behind it does not ({status}).",
            "Start Dokploy (`docker service ls` shows whether it runs), or correct where the proxy sends its requests.",
        )
    if status in (401, 403, 407):
        return failure(
            "reachability",
            Cause.PROXY,
            f"{front or 'Something'} in front of {origin} wants a login of its own ({status}).",
            "Let requests to /api and /listen-deployment through without that login, since the API key protects them, "
            "or give the headers that it wants in DOKPLOY_HEADERS.",
        )
    if status >= 500:
        return failure(
            "reachability",
            Cause.SERVER_DOWN,
            f"{origin} answers, but fails ({status} for {HEALTH}).",
            "Look at the log of the Dokploy container.",
        )
    what = describe(status, answer.content_type, answer.body)
    return failure(
        "reachability",
        Cause.WRONG_ADDRESS,
        f"{origin} answers, but not as Dokploy does ({what}, for {HEALTH}).",
        "Give the address under which Dokploy's dashboard opens, not that of an application deployed with it. "
        "Dokploy's own port is 3000.",
    )


def judge_error(origin: str, error: ApiError) -> Finding:
    """Why no answer came."""
    if not isinstance(error, ConnectionFailed):
        return failure("reachability", Cause.PROXY, error.message, error.next_step)
    parts = urlsplit(origin)
    host = parts.hostname or origin
    port = parts.port or (443 if origin.startswith("https:") else 80)
    match error.trouble:
        case Trouble.UNTRUSTED | Trouble.EXPIRED | Trouble.OTHER_NAME | Trouble.NO_TLS | Trouble.TLS:
            return _tls(origin, error)
        case Trouble.UNKNOWN_NAME:
            return failure(
                "reachability",
                Cause.WRONG_ADDRESS,
                f"There is no host {host!r}: its name does not resolve.",
                "Correct the address, or the name's DNS record.",
            )
        case Trouble.REFUSED:
            return failure(
                "reachability",
                Cause.SERVER_DOWN,
                f"{host} is there, but nothing listens on port {port}.",
                "Start Dokploy, or correct the port: Dokploy's own is 3000, behind a domain it is 443.",
            )
        case Trouble.NO_ANSWER:
            return failure(
                "reachability",
                Cause.UNREACHABLE,
                f"{host} does not answer on port {port}: no connection within {CONNECT_TIMEOUT_SECONDS:.0f} seconds.",
                "Open the port in the firewall for this machine, connect the VPN that the server is behind, or start "
                "it.",
            )
        case Trouble.SLOW:
            return failure(
                "reachability",
                Cause.SERVER_DOWN,
                f"{origin} takes the connection and does not answer within {TIMEOUT_SECONDS:.0f} seconds.",
                "Look at the load and at the log of the Dokploy container.",
            )
        case Trouble.CLOSED | Trouble.NOT_HTTP:
            return failure(
                "reachability",
                Cause.WRONG_ADDRESS,
                f"What listens on port {port} of {host} breaks the connection or does not speak HTTP.",
                "Give https:// where the server expects it, and the port of Dokploy (3000), not another service's.",
            )
        case _:
            return failure(
                "reachability",
                Cause.UNREACHABLE,
                error.message,
                "Check the network of this machine, and HTTPS_PROXY in its environment.",
            )


def _tls(origin: str, error: ConnectionFailed) -> Finding:
    if error.trouble is Trouble.NO_TLS:
        return failure(
            "TLS",
            Cause.TLS,
            f"{origin} does not speak TLS on that port.",
            f"Give the address as http://{origin.partition('://')[2]} on a network that you trust, or put a domain "
            "with a certificate in front (Dokploy: Settings → Web Server).",
        )
    what, fix = {
        Trouble.UNTRUSTED: (
            "its certificate is not signed by an authority that this machine knows",
            "Get a certificate in Dokploy under Settings → Web Server (Let's Encrypt), or name your own authority's "
            "in SSL_CERT_FILE.",
        ),
        Trouble.EXPIRED: (
            "its certificate has expired",
            "Renew it; Traefik does that by itself when port 80 is reachable from the internet.",
        ),
        Trouble.OTHER_NAME: (
            "its certificate is for another name",
            "Use the name that the certificate is for, or set the domain in Dokploy under Settings → Web Server.",
        ),
    }.get(error.trouble, ("there is no TLS connection", "Check the certificate of the domain."))
    return failure("TLS", Cause.TLS, f"{origin} can't be trusted: {what}.", fix)


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


def further(connection: Connection, look: Look, now: datetime) -> list[Finding]:
    """What a good answer tells besides: TLS, proxies, clocks."""
    found = [_transport_security(connection, look.answer, now)]
    front = proxy_in_front(look.answer)
    if front is not None:
        found.append(note("proxy", f"{front} is in front of Dokploy.", "It must pass WebSockets on: see below."))
    else:
        found.append(ok("proxy", "No redirect, and no sign of a proxy that changes anything."))
    skew = clock_skew(look)
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


def clock_skew(look: Look) -> timedelta | None:
    """How far the server's clock is ahead of this machine's; None where the answer has no date."""
    if look.asked_at is None or "date" not in look.answer.headers:
        return None
    try:
        server = parsedate_to_datetime(look.answer.headers["date"])
    except ValueError:
        return None
    if server.tzinfo is None:
        server = server.replace(tzinfo=UTC)
    # The header has whole seconds: its middle is compared with the middle of the exchange.
    middle = look.asked_at + timedelta(seconds=look.took_seconds / 2)
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
    """Whether Dokploy's own database is there; None where Dokploy does not tell."""
    reading = who_answered(answer.status, answer.content_type, answer.body, may_be_empty=False)
    if reading.speaker is Speaker.DATA:
        return ok("database", "Dokploy's own database answers.")
    # A page of a proxy says nothing of the database: tRPC's failures are JSON with an `error`.
    if answer.status >= 500 and (reading.speaker is Speaker.CODED or "error" in _object(answer)):
        return failure(
            "database",
            Cause.DATABASE_DOWN,
            f"Dokploy answers at {origin}, but its own database does not: it then refuses every key.",
            "Start Dokploy's Postgres (`docker service ps dokploy-postgres` shows why it does not run).",
        )
    return None


def _object(answer: Answer) -> dict[str, Any]:
    try:
        parsed = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
