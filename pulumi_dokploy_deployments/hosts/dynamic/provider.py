"""The dynamic providers as they are pickled into the program's resources: names only, no state and no core.

A program that declares resources imports this file, the provider process imports `operations` behind it: so that a
program starts without the HTTP client and the models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from pulumi_dokploy_deployments.loading import loading

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.hosts.dynamic.operations import Operations

Props = dict[str, Any]


class DokployProvider(ResourceProvider):
    """Hands the engine's calls on to the operations, which get configuration and key from the engine each time."""

    serialize_as_secret_always = False
    resource: ClassVar[str]
    """The name of the resource's class."""
    _operations: Operations

    def __getstate__(self) -> Props:
        return {}

    def configure(self, req: ConfigureRequest) -> None:
        with loading():
            from pulumi_dokploy_deployments.hosts.dynamic.operations import Operations
            from pulumi_dokploy_deployments.hosts.dynamic.plain_errors import show_plain_errors

        show_plain_errors()
        self._operations = Operations(req.config, self.resource)

    def check(self, _olds: Props, news: Props) -> CheckResult:
        return self._operations.check(_olds, news)

    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        return self._operations.diff(_olds, _news)

    def create(self, props: Props) -> CreateResult:
        return self._operations.create(props)

    def update(self, _id: str, _olds: Props, _news: Props) -> UpdateResult:
        return self._operations.update(_olds, _news)

    def read(self, id_: str, props: Props) -> ReadResult:
        return self._operations.read(id_, props)

    def delete(self, _id: str, _props: Props) -> None:
        self._operations.delete(_props)


class DeploymentProvider(DokployProvider):
    """The provider of `Deployment`."""

    resource = "Deployment"


class ReleaseProvider(DokployProvider):
    """The provider of `Release`."""

    resource = "Release"


class RollbackTargetProvider(DokployProvider):
    """The provider of `RollbackTarget`."""

    resource = "RollbackTarget"
