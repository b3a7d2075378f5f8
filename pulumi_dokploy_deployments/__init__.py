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
    from pulumi_dokploy_deployments.hosts.functions import (
        get_all_deployments,
        get_all_deployments_output,
        get_application_deployments,
        get_application_deployments_output,
        get_compose_deployments,
        get_compose_deployments_output,
        get_deployment_logs,
        get_deployment_logs_output,
        get_deployment_queue,
        get_deployment_queue_output,
        get_deployments_by_type,
        get_deployments_by_type_output,
        get_rollback_candidates,
        get_rollback_candidates_output,
        get_server_deployments,
        get_server_deployments_output,
    )

__all__ = [
    "Deployment",
    "RollbackTarget",
    "get_all_deployments",
    "get_all_deployments_output",
    "get_application_deployments",
    "get_application_deployments_output",
    "get_compose_deployments",
    "get_compose_deployments_output",
    "get_deployment_logs",
    "get_deployment_logs_output",
    "get_deployment_queue",
    "get_deployment_queue_output",
    "get_deployments_by_type",
    "get_deployments_by_type_output",
    "get_rollback_candidates",
    "get_rollback_candidates_output",
    "get_server_deployments",
    "get_server_deployments_output",
]

_RESOURCES = {"Deployment": "deployment", "RollbackTarget": "rollback_target"}


def __getattr__(name: str) -> object:
    if name in _RESOURCES:
        return getattr(import_module(f"{__name__}.hosts.dynamic.{_RESOURCES[name]}"), name)
    if name in __all__:
        return getattr(import_module(f"{__name__}.hosts.functions"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
