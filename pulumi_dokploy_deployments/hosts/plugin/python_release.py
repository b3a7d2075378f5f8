"""`Release` as Python programs on the plugin use it."""

from __future__ import annotations

from pulumi_dokploy_deployments.hosts.plugin.python_resources import Deployment
from pulumi_dokploy_deployments.hosts.release import ReleaseComponent


class Release(ReleaseComponent):
    __doc__ = ReleaseComponent.__doc__

    deployment_class = Deployment
