"""A plan as the engine takes it: what changes, by property path in the schema's names."""

from __future__ import annotations

from pulumi.provider.experimental.provider import DiffResponse, PropertyDiff, PropertyDiffKind

from pulumi_dokploy_deployments.resources.paths import spelled
from pulumi_dokploy_deployments.resources.plan import Change, ChangeKind, Plan
from pulumi_dokploy_deployments.schema.names import NESTED, camel

_KINDS = {
    ChangeKind.ADD: (PropertyDiffKind.ADD, PropertyDiffKind.ADD_REPLACE),
    ChangeKind.DELETE: (PropertyDiffKind.DELETE, PropertyDiffKind.DELETE_REPLACE),
    ChangeKind.UPDATE: (PropertyDiffKind.UPDATE, PropertyDiffKind.UPDATE_REPLACE),
}


def diff_response(plan: Plan) -> DiffResponse:
    """The answer to `Diff`."""
    return DiffResponse(
        changes=plan.has_changes,
        replaces=[_path(change) for change in plan.changes if change.replaces],
        diffs=list(dict.fromkeys(camel(change.name) for change in plan.changes)),
        detailed_diff=detailed(plan),
    )


def detailed(plan: Plan) -> dict[str, PropertyDiff]:
    """The changes by property path, with what happens there."""
    return {
        _path(change): PropertyDiff(_KINDS[change.kind][change.replaces], not change.is_output)
        for change in plan.changes
    }


def _path(change: Change) -> str:
    """Only the package's own names are translated: what is below them is the user's."""
    place = NESTED.get(change.name, -1) + 1
    return spelled(tuple(camel(str(part)) if index in (0, place) else part for index, part in enumerate(change.path)))
