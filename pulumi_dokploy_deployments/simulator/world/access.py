"""API keys, their rate limits, and what the people behind them may see."""

from dataclasses import dataclass, field

WINDOW = 86_400.0
"""Seconds after the last request in which a limited key counts its verifications (transcript 01)."""
PER_REQUEST = 2
"""Verifications that one HTTP request costs: the handler's and the tRPC context's (transcript 1200)."""


@dataclass
class Principal:
    """A person: an owner sees everything, a member what `services` lists (transcripts 102, 207)."""

    name: str
    role: str = "owner"
    services: set[str] = field(default_factory=set)
    docker: bool = False

    @property
    def privileged(self) -> bool:
        """Tell whether access lists don't apply."""
        return self.role in {"owner", "admin"}

    def may_access(self, service_id: str) -> bool:
        """Tell whether the person may touch a service."""
        return self.privileged or service_id in self.services

    def may_read_docker(self) -> bool:
        """Tell whether the person has the permission docker:read."""
        return self.privileged or self.docker


@dataclass
class ApiKey:
    """One key; `limit` verifications per day, None switches the rate limit off."""

    secret: str
    principal: Principal
    limit: int | None = None
    used: int = 0
    last: float | None = None


class Access:
    """All keys of the instance."""

    def __init__(self) -> None:
        """Start without any key."""
        self._keys: dict[str, ApiKey] = {}

    def add(self, key: ApiKey) -> ApiKey:
        """Register a key."""
        self._keys[key.secret] = key
        return key

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
