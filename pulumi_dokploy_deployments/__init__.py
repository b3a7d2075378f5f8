"""Deploy to Dokploy from Pulumi programs: deployments that wait for the truth.

    import pulumi_dokploy_deployments as dokploy

    dokploy.Deployment("web", application_id="…", triggers={"release": "1.4.2"})

The names are imported when they are first used, so that the simulator and the command line start without pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.hosts.dynamic.deployment import Deployment
    from pulumi_dokploy_deployments.hosts.dynamic.rollback_target import RollbackTarget

__all__ = ["Deployment", "RollbackTarget"]

_HOMES = {
    "Deployment": "pulumi_dokploy_deployments.hosts.dynamic.deployment",
    "RollbackTarget": "pulumi_dokploy_deployments.hosts.dynamic.rollback_target",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
