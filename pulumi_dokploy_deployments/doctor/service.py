"""One service under the doctor's eyes: there, accessible, and able to go back?"""

from __future__ import annotations

from collections.abc import Sequence

from pulumi_dokploy_deployments.api.models import Registry, Service, ServiceKind, SourceType
from pulumi_dokploy_deployments.doctor.findings import Cause, Finding, failure, note, ok, warning
from pulumi_dokploy_deployments.rollback.candidates import Candidate

ROLLBACKS = "rollbacks"
REGISTRY = "registry"
ENABLE = "Enable them in Dokploy on the application's page: Deployments → Rollback Settings, with a registry."


def judge(service: Service, candidates: Sequence[Candidate], registries: Sequence[Registry] | None) -> list[Finding]:
    """Findings on a service that could be read. `registries` is None where the user may not list them."""
    found = [ok("service", f"The {service.kind.value} {service.name!r} is there ({service.status.value}).")]
    if service.kind is not ServiceKind.APPLICATION:
        found.append(
            note(
                ROLLBACKS,
                f"Dokploy stores no images of {_plural(service.kind)}.",
                "Go back by source: deploy the earlier git ref or image again."
                if service.kind is ServiceKind.COMPOSE
                else "",
            )
        )
        return found
    working = sum(1 for candidate in candidates if candidate.works)
    if not service.rollback_active:
        found.append(note(ROLLBACKS, f"Rollbacks by image are switched off{_kept(working)}.", ENABLE))
        return found
    found.append(_rollbacks(service, working))
    found.append(_registry(service, registries))
    return found


def _rollbacks(service: Service, working: int) -> Finding:
    if service.source_type is SourceType.DOCKER:
        return note(
            ROLLBACKS,
            f"Rollbacks are on, and the source is a Docker image{_kept(working)}.",
            "For such applications it is simpler to deploy the earlier image tag again.",
        )
    if working == 0:
        return note(
            ROLLBACKS,
            "Rollbacks are on, and there is no version yet to go back to.",
            "The next successful deployment stores the first one.",
        )
    versions = "version" if working == 1 else "versions"
    return ok(ROLLBACKS, f"Rollbacks are on, with {working} {versions} to go back to.")


def _registry(service: Service, registries: Sequence[Registry] | None) -> Finding:
    wanted = service.rollback_registry_id
    if wanted is None:
        return failure(
            REGISTRY,
            Cause.SERVICE,
            "Rollbacks are on without a registry, so that no image is kept.",
            "Choose one on the application's page: Deployments → Rollback Settings.",
        )
    if registries is None:
        return note(REGISTRY, "A registry is chosen; the key's user may not see which.")
    registry = next((one for one in registries if one.registry_id == wanted), None)
    if registry is None:
        return warning(
            REGISTRY,
            Cause.SERVICE,
            "The registry that the rollbacks are to use is not among the organization's.",
            "Choose another one on the application's page: Deployments → Rollback Settings.",
        )
    place = f"{registry.registry_url or ''}{f'/{registry.image_prefix}' if registry.image_prefix else ''}"
    return ok(REGISTRY, f"Versions are kept in {registry.registry_name or 'a registry'} ({place or 'Docker Hub'}).")


def _kept(working: int) -> str:
    return f"; {working} stored earlier can still be gone back to" if working else ""


def _plural(kind: ServiceKind) -> str:
    return "composes" if kind is ServiceKind.COMPOSE else "databases"
