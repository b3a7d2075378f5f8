"""The same resources on the provider plugin, for Python programs that have outgrown dynamic resources.

    from pulumi_dokploy_deployments import plugin as dokploy

    dokploy.Deployment("web", application_id="…", triggers={"release": "1.4.2"})

Same classes and same arguments as in `pulumi_dokploy_deployments`, plus `Provider`.
"""

from pulumi_dokploy_deployments.hosts.plugin.python_deployment import Deployment
from pulumi_dokploy_deployments.hosts.plugin.python_provider import Provider
from pulumi_dokploy_deployments.hosts.plugin.python_rollback_target import RollbackTarget

__all__ = ["Deployment", "Provider", "RollbackTarget"]
