"""`Release` as Python programs on dynamic resources use it."""

from __future__ import annotations

from pulumi_dokploy_deployments.hosts.dynamic.resources import Deployment
from pulumi_dokploy_deployments.hosts.release import ReleaseComponent


class Release(ReleaseComponent):
    __doc__ = ReleaseComponent.__doc__

    deployment_class = Deployment
