"""The life cycles by the names of the resources' classes, for both hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle
from pulumi_dokploy_deployments.resources.life_cycle import LifeCycle
from pulumi_dokploy_deployments.resources.release import ReleaseLifeCycle
from pulumi_dokploy_deployments.resources.rollback_target import RollbackTargetLifeCycle

LIFE_CYCLES: Mapping[str, LifeCycle[Any, Any]] = {
    "Deployment": DeploymentLifeCycle(),
    "Release": ReleaseLifeCycle(),
    "RollbackTarget": RollbackTargetLifeCycle(),
}
