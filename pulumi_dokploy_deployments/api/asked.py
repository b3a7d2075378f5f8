"""What was asked of the server: everything that the messages about its answer need."""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.hiding import NOTHING_SECRET, Secrets


@dataclass(frozen=True)
class Asked:
    """One request, without its contents.

    Attributes:
        operation: the endpoint, `application.deploy` for instance.
        server: the address of the server.
        connection: the connection's name, empty for the default one.
        secrets: what no message may carry.
        sent: the names of the parameters.
        may_be_empty: whether Dokploy's answer to it may be empty.
        has_worked: whether address and key had worked before.
    """

    operation: str
    server: str
    connection: str = ""
    secrets: Secrets = NOTHING_SECRET
    sent: frozenset[str] = field(default=frozenset())
    may_be_empty: bool = False
    has_worked: bool = False
