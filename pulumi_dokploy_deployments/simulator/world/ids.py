"""Identifiers, commit hashes and timestamps in the formats that Dokploy and Docker write."""

import random
import string
from datetime import UTC, datetime

NANOID_ALPHABET = string.ascii_letters + string.digits + "_-"
DOCKER_ALPHABET = string.ascii_lowercase + string.digits


class Ids:
    """Seeded source of everything random, so that one seed gives one world."""

    def __init__(self, seed: int = 0) -> None:
        """Start the sequence; the same seed yields the same identifiers in the same order."""
        self._random = random.Random(seed)

    def nano(self, length: int = 21) -> str:
        """Return an id like those of applications, deployments and rollbacks."""
        return "".join(self._random.choices(NANOID_ALPHABET, k=length))

    def docker(self) -> str:
        """Return a 25-character Swarm id as tasks and services carry it (transcript 302)."""
        return "".join(self._random.choices(DOCKER_ALPHABET, k=25))

    def suffix(self) -> str:
        """Return the six characters that Dokploy appends to a service's appName (transcript 13)."""
        return "".join(self._random.choices(DOCKER_ALPHABET, k=6))

    def hexadecimal(self, length: int) -> str:
        """Return `length` hex digits: container ids (64), commit hashes (40), image ids (12)."""
        return "".join(self._random.choices("0123456789abcdef", k=length))

    def api_key(self, prefix: str) -> str:
        """Return an API key: its prefix and 64 letters (transcript 01)."""
        return prefix + "".join(self._random.choices(string.ascii_letters, k=64))

    def account(self) -> str:
        """Return the 32 letters and digits of a user's or a key's id (transcript 421)."""
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=32))

    def between(self, low: float, high: float) -> float:
        """Return a number of seconds in [low, high), for latencies that vary on a real server."""
        return self._random.uniform(low, high)


def milliseconds(at: float) -> int:
    """Return epoch seconds as the epoch milliseconds of a queue job's timestamp (transcript 42)."""
    return round(at * 1000)


def iso(at: float) -> str:
    """Format epoch seconds as Dokploy's rows do: UTC with milliseconds (transcript 31)."""
    total = milliseconds(at)
    moment = datetime.fromtimestamp(total // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{total % 1000:03d}Z"


def iso_nano(at: float) -> str:
    """Format epoch seconds as Docker does: UTC, nanoseconds, no trailing zeros (transcript 303)."""
    micros = round(at * 1_000_000)
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC)
    # A float has no nanoseconds: the last three digits are derived, so that they repeat for one moment.
    fraction = f"{micros % 1_000_000:06d}{(micros * 7919) % 997 + 1:03d}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def nanoseconds(at: float) -> str:
    """Format epoch seconds as lines of `docker logs` begin: UTC with all nine digits (transcript 524)."""
    whole, _, fraction = iso_nano(at).removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}Z"


def log_stamp(at: float) -> str:
    """Format epoch seconds as the time part of a log file's name (transcript 31)."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d:%H:%M:%S}"
