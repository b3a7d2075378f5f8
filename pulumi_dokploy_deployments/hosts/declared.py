"""Which resources of the program deploy, or pin, which service: two of one service disturb each other."""

from __future__ import annotations

import threading

from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources.inputs import ResourceInputs
from pulumi_dokploy_deployments.waiting.context import RunContext


class DeclaredServices:
    """The services of the resources that this process has seen. A process serves one run of one program."""

    def __init__(self) -> None:
        self._urns: dict[tuple[str, str, ServiceRef], list[str]] = {}
        self._lock = threading.Lock()

    def note(self, verb: str, inputs: ResourceInputs, urn: str, context: RunContext) -> None:
        """Remember a resource; warn where another one does the same to the same service.

        Args:
            verb: what it does to its service: `deploys`, for instance.
            inputs: its inputs.
            urn: its URN; empty where that is not known.
            context: its server, and where the warning goes.
        """
        service = inputs.service
        if service is None or not urn:
            return
        with self._lock:
            urns = self._urns.setdefault((verb, context.client.connection.origin, service), [])
            if urn in urns:
                return
            urns.append(urn)
            names = [other.rpartition("::")[2] for other in urns]
        if len(names) > 1:
            context.reporter.warning(
                f"The program {verb} {service} with {len(names)} resources: {', '.join(names)}. They don't know of "
                f"each other, and a change in any of them {verb} it again. Declare the service in one of them only."
            )
