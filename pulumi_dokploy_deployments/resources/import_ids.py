"""The ids by which resources are imported: `<kind>/<service id>/<which>`."""

from __future__ import annotations

from collections.abc import Callable

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.api.services import ServiceRef
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS

LATEST = "latest"


class UnusableId(DokployError):
    """An id that names nothing."""


def import_id(
    resource_id: str,
    *forms: str,
    allows: Callable[[ServiceKind], bool] = lambda _: True,
    needs_last: Callable[[ServiceKind], bool],
) -> tuple[ServiceRef, str | None]:
    """The service that an id names, and its last part.

    Args:
        resource_id: the id.
        forms: how such an id looks, for the message.
        allows: whether a kind of service can be meant at all.
        needs_last: whether a kind of service needs the last part.

    Raises:
        UnusableId: it is no such id.
    """
    kind, _, rest = resource_id.partition("/")
    service_id, _, which = rest.partition("/")
    known = next((known for known in SERVICE_ID_FIELDS.values() if known.value == kind), None)
    is_usable = known is not None and allows(known) and bool(service_id) and "/" not in which
    if known is None or not is_usable or (needs_last(known) and not which):
        raise UnusableId(
            f"{resource_id!r} is not an id that can be imported.",
            next_step=f"Give it as {' or '.join(forms)}; the ids stand in the addresses of the dashboard's pages.",
        )
    return ServiceRef(known, service_id), which or None
