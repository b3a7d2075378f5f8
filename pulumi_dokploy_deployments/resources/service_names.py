"""A resource's service by its name: resolved once, when the inputs are checked, and kept."""

from __future__ import annotations

from typing import TypeVar

from pulumi_dokploy_deployments.api.errors import AccessDenied
from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.services import page_in
from pulumi_dokploy_deployments.resources.common import ask_server, read_service, service_named
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS
from pulumi_dokploy_deployments.resources.inputs import FoundService, ServiceResourceInputs
from pulumi_dokploy_deployments.rollout.failures import UnknownService
from pulumi_dokploy_deployments.waiting.context import RunContext

InputsT = TypeVar("InputsT", bound=ServiceResourceInputs)


def with_known_service(earlier: InputsT | None, inputs: InputsT) -> InputsT:
    """The inputs with the service that their name was resolved to before: one that is renamed stays the same."""
    if earlier is None or earlier.found_service is None or earlier.found_service.given != inputs.service_text:
        return inputs
    if earlier.service_property != inputs.service_property:
        return inputs
    return inputs.model_copy(update={"found_service": earlier.found_service})


async def named_service(inputs: InputsT, context: RunContext) -> tuple[Service, InputsT]:
    """The service that the inputs name, and the inputs with what a name was resolved to.

    What is no id, and no address of a page, is looked for among the names.

    Raises:
        UnknownService: nothing has this id, and no name looks like it.
        UnknownId: several services have this name, or one with a similar name is there.
        ApiError: the key does not open it, or the server can't be reached.
    """
    try:
        return await read_service(service_named(inputs), context), inputs
    except (UnknownService, AccessDenied) as error:
        # To a member every id that is not theirs is a refusal, and so is a name.
        text = inputs.service_text
        if page_in(text) is not None:
            raise
        # Only here, so that a provider starts without them where nothing is named by a name.
        from pulumi_dokploy_deployments.functions.names import UnknownName, resolve_service

        kind = SERVICE_ID_FIELDS[inputs.service_property]
        try:
            ref = await ask_server(lambda: resolve_service(context.client, kind, text), context)
        except UnknownName as unknown:
            if unknown.is_told_with_others:
                raise
            raise error from error.__cause__
        except AccessDenied:
            raise error from error.__cause__
    found = inputs.model_copy(update={"found_service": FoundService(given=text, service_id=ref.service_id)})
    return await read_service(ref, context), found
