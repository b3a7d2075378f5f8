"""Which service the options name."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.functions.filters import InvalidArgument
from pulumi_dokploy_deployments.functions.identity import given_id


def one_service(**given: str | None) -> ServiceRef | None:
    """The service whose option was given, by the name of its kind; None where none was.

    Raises:
        InvalidArgument: several were given.
    """
    named = [(name, value) for name, value in given.items() if value is not None]
    if not named:
        return None
    if len(named) > 1:
        raise InvalidArgument(
            f"Several services are named: {', '.join(f'--{name}' for name, _ in named)}.", next_step="Name one."
        )
    name, value = named[0]
    return ServiceRef(ServiceKind(name), given_id(f"{name} id", value))


def the_service(**given: str | None) -> ServiceRef:
    """As `one_service`; naming none is an error as well."""
    found = one_service(**given)
    if found is None:
        options = " or ".join(f"--{name}" for name in given)
        raise InvalidArgument("No service is named.", next_step=f"Give {options} with its name or id.")
    return found
