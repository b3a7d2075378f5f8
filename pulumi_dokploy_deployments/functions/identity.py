"""Whether an id is what it is taken for: to an unknown id, and to one of another kind, the server gives an empty list
(transcripts 65, 69).
"""

from __future__ import annotations

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import ApiError, DokployError, NotFound, Step
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.api.text import Part
from pulumi_dokploy_deployments.functions.filters import InvalidArgument

_WITH_HISTORY = (ServiceKind.APPLICATION, ServiceKind.COMPOSE)


class UnknownId(DokployError):
    """Nothing has this id, or something of another kind has it."""


def kind_of(type_name: object) -> ServiceKind:
    """The kind that a type's name means.

    Raises:
        InvalidArgument: there is no such type; the message says which there are.
    """
    try:
        return ServiceKind(str(type_name))
    except ValueError:
        raise InvalidArgument(
            f"{type_name!r} is not a type of service.",
            next_step=f"The types are {', '.join(kind.value for kind in ServiceKind)}.",
            property_name="type",
        ) from None


def given_id(name: Part, value: str) -> str:
    """The id without blanks around it.

    Args:
        name: what the message calls it, `deployment id` or an `Input`.
        value: what was given.

    Raises:
        InvalidArgument: it is empty.
    """
    text = value.strip()
    if not text:
        raise InvalidArgument(
            ("The ", name, " is empty."),
            next_step="Copy it from the address of its page in the dashboard.",
        )
    return text


async def existing_service(client: DokployClient, kind: ServiceKind, service_id: str) -> Service:
    """`<kind>.one`, with a message that says so when the id is unknown or that of another kind.

    Raises:
        UnknownId: the server has no such service.
        ApiError: the server could not be asked, or the key's user may not see the service.
    """
    try:
        return await client.read_service(kind, service_id)
    except NotFound:
        pass
    raise await _unknown(client, kind, service_id)


async def _unknown(client: DokployClient, kind: ServiceKind, service_id: str) -> UnknownId:
    server = client.connection.origin
    for other in _WITH_HISTORY:
        if other is kind:
            continue
        try:
            service = await client.read_service(other, service_id)
        except ApiError:
            # To a member every id that is not theirs looks alike: that says nothing about the kind.
            continue
        return UnknownId(
            f"{service_id!r} is not the id of {_article(kind)} but of the {other.value} {service.name!r} on {server}.",
            next_step=f"Ask for it as {_article(other)}.",
            step=Step.CHANGE_INPUT,
            property_name=f"{kind.value}_id",
        )
    return UnknownId(
        f"{server} has no {kind.value} with the id {service_id!r}.",
        next_step=f"The id is in the address of the service's page in the dashboard, after /{kind.value}/.",
        step=Step.CHANGE_INPUT,
        property_name=f"{kind.value}_id",
    )


def _article(kind: ServiceKind) -> str:
    return f"{'an' if kind is ServiceKind.APPLICATION else 'a'} {kind.value}"
