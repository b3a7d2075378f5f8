"""Services by name: one, or all that a filter lets through, with their ids, source, image and status."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.api.services import dashboard_link
from pulumi_dokploy_deployments.functions.arguments import NamedService, Services
from pulumi_dokploy_deployments.functions.identity import existing_service
from pulumi_dokploy_deployments.functions.models import ServiceInfo, ServiceList
from pulumi_dokploy_deployments.functions.names import find_services, read_services, resolve_service


async def service_named(client: DokployClient, asked: NamedService) -> ServiceInfo:
    """One service by its name, its id or the address of its page.

    Raises:
        UnknownName: there is no such service; the message has the names that look like it.
        AmbiguousName: several have this name; the message has them with their ids.
        ApiError: the server could not be asked.
    """
    ref = await resolve_service(client, asked.type, asked.name, asked.project, asked.environment)
    return info_of(client, await existing_service(client, ref.kind, ref.service_id))


async def services(client: DokployClient, asked: Services) -> ServiceList:
    """Every service that the key's user may see; each that passes the filters is read.

    Raises:
        ApiError: the server could not be asked.
    """
    kinds = ServiceKind if asked.type is None else (asked.type,)
    here = [found.ref for found in await find_services(client, kinds) if found.is_in(asked.project, asked.environment)]
    read = await read_services(client, here)
    return ServiceList(services=tuple(info_of(client, service) for service in read if service is not None))


def info_of(client: DokployClient, service: Service) -> ServiceInfo:
    """A service as the reads show it."""
    return ServiceInfo(
        name=service.name,
        service_type=service.kind.value,
        service_id=service.service_id,
        **{f"{service.kind.value}_id": service.service_id},
        app_name=service.app_name,
        status=service.status.value,
        source=service.source_type.value if service.source_type is not None else None,
        image=service.docker_image or None,
        git_ref=service.git_ref,
        project=service.project_name,
        project_id=service.project_id,
        environment=service.environment_name,
        environment_id=service.environment_id,
        server_id=service.server_id,
        url=dashboard_link(client.connection.origin, service),
    )
