"""Which service is meant, what messages call it, and where its page in the dashboard is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pulumi_dokploy_deployments.api.models import Service, ServiceKind

_ADDRESS = re.compile(
    rf"(?:^|/)services/(?P<kind>{'|'.join(ServiceKind)})/(?P<id>[A-Za-z0-9_-]+)(?:[/?#].*)?$", re.DOTALL
)


@dataclass(frozen=True)
class ServiceRef:
    """Which service."""

    kind: ServiceKind
    service_id: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.service_id}"


def name_of(service: Service) -> str:
    """How messages name a service."""
    return f'{service.kind.value} "{service.name}"'


def dashboard_link(origin: str, service: Service) -> str:
    """The service's page in the dashboard, at its deployments where it has any."""
    if service.project_id is None or service.environment_id is None:
        return origin
    page = (
        f"{origin}/dashboard/project/{service.project_id}/environment/{service.environment_id}"
        f"/services/{service.kind.value}/{service.service_id}"
    )
    return page if service.kind.is_database else f"{page}?tab=deployments"


def page_in(text: str) -> ServiceRef | None:
    """The service whose page's address a text is: `…/services/application/<id>`; None where it is no such address."""
    found = _ADDRESS.search(text.strip())
    return ServiceRef(ServiceKind(found["kind"]), found["id"]) if found is not None else None
