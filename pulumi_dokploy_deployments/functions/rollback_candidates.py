"""The versions that a service can roll back to."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.models import ServiceKind
from pulumi_dokploy_deployments.functions.arguments import Candidates
from pulumi_dokploy_deployments.functions.identity import existing_service
from pulumi_dokploy_deployments.functions.models import RollbackCandidate, RollbackCandidates
from pulumi_dokploy_deployments.rollback.candidates import Candidate, candidates_of


async def rollback_candidates(client: DokployClient, asked: Candidates) -> RollbackCandidates:
    """`deployment.allByType`, read as versions to roll back to, newest first.

    Raises:
        InvalidArgument: no service is named, or two.
        UnknownId: the server has no such service.
        ApiError: the server could not be asked, or the key's user has no access to it.
    """
    found = await read_candidates(client, *asked.service)
    return RollbackCandidates(
        candidates=tuple(_result(candidate) for candidate in found if candidate.works or not asked.only_working)
    )


async def read_candidates(client: DokployClient, kind: ServiceKind, identity: str) -> list[Candidate]:
    """The candidates as `rollback` has them."""
    if kind.is_database:
        await existing_service(client, kind, identity)
        return []
    rows = await client.deployments_by_type(kind.value, identity)
    if not rows:
        await existing_service(client, kind, identity)
    return candidates_of(rows)


def _result(candidate: Candidate) -> RollbackCandidate:
    return RollbackCandidate(
        version=candidate.version,
        rollback_id=candidate.rollback_id,
        deployment_id=candidate.deployment_id,
        image=candidate.image,
        commit_hash=candidate.commit_hash,
        commit_message=candidate.commit_message,
        title=candidate.title,
        created_at=candidate.created_at,
        works=candidate.works,
        why_not=candidate.why_not or None,
    )
