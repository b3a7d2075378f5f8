"""Which services the compose file names, and why one of them may have no container. Reads; no judgement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import AccessDenied, ApiError, MissingEndpoint, NotFound
from pulumi_dokploy_deployments.workload.compose_file import read_expectations
from pulumi_dokploy_deployments.workload.model import Baseline, Member

NAMES_ATTEMPTS = 3
"""How often the names of the file's services are asked for, before a fault there is no longer waited for."""
NEVER_THERE = "it has no container and had none before: an inactive profile, or no replicas"
ONLY_ONE_OFF = "there is only a one-off container of it"


@dataclass
class DeclaredServices:
    """The services of one compose file, read once and only as far as they are needed."""

    client: DokployClient
    compose_id: str
    _names: list[str] | None = None
    _expectations: dict[str, str] | None = None
    _attempts: int = 0
    _seen: set[str] = field(default_factory=set)

    async def read(self) -> None:
        """Ask for the names, once. Without them a member is only missed if it was seen before.

        Raises:
            ApiError: the server could not be asked; after a few attempts it is done without.
        """
        if self._names is not None or self._attempts >= NAMES_ATTEMPTS:
            return
        self._attempts += 1
        try:
            self._names = await self.client.compose_services(self.compose_id)
        except (AccessDenied, MissingEndpoint, NotFound):
            self._attempts = NAMES_ATTEMPTS
        except ApiError:
            if self._attempts < NAMES_ATTEMPTS:
                raise

    def names(self, member: str) -> bool | None:
        """Whether the file names the member; None where that is not known."""
        return member in self._names if self._names is not None else None

    async def missing(self, there: Iterable[str], before: Baseline) -> list[Member]:
        """The members of the file that have no unit, with the reason where they need not have any."""
        seen = set(there)
        self._seen |= seen
        names = [name for name in self._names or () if name not in seen]
        if names:
            await self._read_file()
        missing: list[Member] = []
        for name in names:
            was = before.members.get(name)
            was_there = name in self._seen or (was is not None and bool(was.units))
            why = (self._expectations or {}).get(name)
            if why is None:
                # The file can't be had, or says it in a roundabout way: what was never there is not missed.
                why = "" if was_there else NEVER_THERE
            missing.append(Member(name=name, is_declared=True, not_expected_because=why))
        return missing

    async def _read_file(self) -> None:
        """What the file says of members that are missing; only asked for where there are any."""
        if self._expectations is not None:
            return
        try:
            self._expectations = read_expectations(await self.client.compose_file(self.compose_id))
        except (AccessDenied, MissingEndpoint, NotFound):
            self._expectations = {}
