"""API keys, their rate limits, and what the people behind them may see."""

import base64
import hashlib
import json
from dataclasses import dataclass, field

from .ids import Ids, iso
from .permissions import MEMBER, STATEMENTS
from .templates import Json

WINDOW = 86_400.0
"""Seconds after the last request in which a limited key counts its verifications (transcript 01)."""
DEFAULT_LIMIT = 10
"""Verifications that a key has by default in that time, whether or not its limit is switched on (transcript 423)."""
PER_REQUEST = 2
"""Verifications that one HTTP request costs: the handler's and the tRPC context's (transcript 1200)."""


@dataclass
class Principal:
    """A person with a key: an owner sees everything, a member what `services` lists (transcripts 102, 207).

    `name` is the key's; `user` names the person where that has several keys.
    """

    name: str
    role: str = "owner"
    services: set[str] = field(default_factory=set)
    docker: bool = False
    user: str = ""

    @property
    def person(self) -> str:
        """Return the name of the person."""
        return self.user or self.name

    @property
    def privileged(self) -> bool:
        """Tell whether access lists don't apply."""
        return self.role in {"owner", "admin"}

    def may_access(self, service_id: str) -> bool:
        """Tell whether the person may touch a service."""
        return self.privileged or service_id in self.services

    def permissions(self) -> dict[str, dict[str, bool]]:
        """Return every permission by resource and action, granted or not (transcript 422)."""

        def granted(resource: str, action: str) -> bool:
            return (
                self.privileged
                or action in MEMBER.get(resource, ())
                or (self.docker and (resource, action) == ("docker", "read"))
            )

        return {
            resource: {action: granted(resource, action) for action in actions}
            for resource, actions in STATEMENTS.items()
        }


NOBODY = Principal("nobody", "member")
"""Who asks without a key."""


@dataclass
class ApiKey:
    """One key; `limit` verifications per day, None switches the rate limit off."""

    secret: str
    principal: Principal
    limit: int | None = None
    used: int = 0
    last: float | None = None
    created: float = 0.0
    id: str = ""

    def record(self, user_id: str, organization_id: str) -> Json:
        """Return the key as its owner sees it: never itself, but its hash, limit and count (transcript 423)."""
        last = None if self.last is None else iso(self.last)
        digest = hashlib.sha256(self.secret.encode()).digest()
        return {
            "id": self.id,
            "name": self.principal.name,
            "start": self.secret[:6],
            "prefix": self.secret[:2],
            "key": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "configId": "default",
            "referenceId": user_id,
            "refillInterval": None,
            "refillAmount": None,
            "lastRefillAt": None,
            "enabled": True,
            "rateLimitEnabled": self.limit is not None,
            "rateLimitTimeWindow": int(WINDOW * 1000),
            "rateLimitMax": DEFAULT_LIMIT if self.limit is None else self.limit,
            "requestCount": self.used,
            "remaining": None,
            "lastRequest": last,
            "expiresAt": None,
            "createdAt": iso(self.created),
            "updatedAt": last or iso(self.created),
            "permissions": None,
            "metadata": json.dumps({"organizationId": organization_id}, separators=(",", ":")),
        }


class Access:
    """All keys of the instance."""

    def __init__(self, seed: int = 0) -> None:
        """Start without any key; the ids are drawn apart from the world's."""
        self._ids = Ids(~seed)
        self._keys: dict[str, ApiKey] = {}
        self._people: dict[str, tuple[str, str]] = {}

    def add(self, key: ApiKey) -> ApiKey:
        """Register a key."""
        key.id = self._ids.account()
        self._people.setdefault(key.principal.person, (self._ids.account(), self._ids.nano()))
        self._keys[key.secret] = key
        return key

    def ids_of(self, principal: Principal) -> tuple[str, str]:
        """Return the person's ids: as a user, and as a member of the organization."""
        return self._people[principal.person]

    def created_of(self, principal: Principal) -> float:
        """Return when the person came: with the first key."""
        return min(key.created for key in self.keys_of(principal))

    def keys_of(self, principal: Principal) -> list[ApiKey]:
        """Return the person's keys; the one used last comes last, as in the table."""
        own = [key for key in self._keys.values() if key.principal.person == principal.person]
        return sorted(own, key=lambda key: key.created if key.last is None else key.last)

    def name_of(self, secret: str | None) -> str | None:
        """Return whose key it is, without counting."""
        key = self._keys.get(secret or "")
        return key.principal.name if key else None

    def verify(self, secret: str | None, now: float, cost: int = PER_REQUEST) -> Principal | None:
        """Check a key and count the use; None for wrong and exhausted keys alike (transcript 1205)."""
        key = self._keys.get(secret or "")
        if key is None:
            return None
        if key.limit is None:
            key.last = now
            return key.principal
        if key.last is not None and now - key.last > WINDOW:
            key.used = 0
        if key.used + cost > key.limit:
            return None
        key.used += cost
        key.last = now
        return key.principal

    def grant(self, name: str, services: list[str], docker: object) -> None:
        """Give a member access to services and, if `docker` is true, to docker:read (transcript 206)."""
        for key in self._keys.values():
            if key.principal.name == name:
                key.principal.services = set(services)
                key.principal.docker = bool(docker)
