"""Which resources of the program deploy, or pin, which service: two of one service disturb each other."""

from __future__ import annotations

import threading
from typing import Any

from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources.inputs import InputsT, ResourceInputs
from pulumi_dokploy_deployments.resources.life_cycle import LifeCycle
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs
from pulumi_dokploy_deployments.waiting.context import RunContext


class DeclaredServices:
    """The services of the resources that this process has seen. A process serves one run of one program."""

    def __init__(self) -> None:
        self._urns: dict[tuple[str, str, ServiceRef], list[str]] = {}
        self._named: dict[tuple[str, ServiceRef], str] = {}
        self._pinned: dict[tuple[str, ServiceRef], str] = {}
        self._lock = threading.Lock()

    async def ask(
        self, cycle: LifeCycle[InputsT, Any], earlier: InputsT | None, inputs: InputsT, urn: str, context: RunContext
    ) -> InputsT:
        """What the life cycle says of the inputs; the resource is remembered with the service that it really means."""
        asked = await cycle.ask(earlier, inputs, context)
        self.note(cycle.verb, asked, urn, context)
        return asked

    def note(self, verb: str, inputs: ResourceInputs, urn: str, context: RunContext) -> None:
        """Remember a resource; warn where another one does the same to the same service.

        Args:
            verb: what it does to its service: `deploys`, for instance.
            inputs: its inputs.
            urn: its URN; empty where that is not known.
            context: its server, and where the warning goes.
        """
        if urn:
            for service in inputs.service_refs:
                self._note(verb, service, inputs, urn, context)

    def _note(self, verb: str, service: ServiceRef, inputs: ResourceInputs, urn: str, context: RunContext) -> None:
        with self._lock:
            urns = self._urns.setdefault((verb, context.client.connection.origin, service), [])
            if urn in urns:
                return
            urns.append(urn)
            names = [other.rpartition("::")[2] for other in urns]
            both = self._both((context.client.connection.origin, service), inputs, names[-1])
        if both:
            named, pin = both
            context.reporter.warning(
                f"The program names the version of {service} twice: {named} sets it, and {pin} pins it. The pin is "
                "applied last and wins; each time that the named version is deployed, it is pinned again after it. "
                "Leave one of them out."
            )
        if len(names) > 1:
            context.reporter.warning(
                f"The program {verb} {service} with {len(names)} resources: {', '.join(names)}. They don't know of "
                f"each other, and a change in any of them {verb} it again. Declare the service in one of them only."
            )

    def _both(self, place: tuple[str, ServiceRef], inputs: ResourceInputs, name: str) -> tuple[str, str] | None:
        """The resource that names the service's version and the one that pins it, where this one makes up the pair."""
        if isinstance(inputs, RollbackTargetInputs):
            self._pinned[place] = name
        elif inputs.names_version_of(place[1]):
            self._named[place] = name
        else:
            return None
        named, pin = self._named.get(place), self._pinned.get(place)
        return (named, pin) if named is not None and pin is not None else None
