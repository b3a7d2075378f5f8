"""The dynamic provider of `Deployment`: translates the engine's calls to the resource's life cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.configuration import resolve_connection
from pulumi_dokploy_deployments.hosts.dynamic.plain_errors import show_plain_errors
from pulumi_dokploy_deployments.hosts.engine_log import EngineReporter
from pulumi_dokploy_deployments.hosts.session import shared_session
from pulumi_dokploy_deployments.resources import deployment
from pulumi_dokploy_deployments.resources.fields import UNKNOWN, contains_unknown, service_of
from pulumi_dokploy_deployments.rollout.context import Surroundings

URN_PROPERTY = "declared_as"
"""The engine does not hand a dynamic provider the resource's URN, so the program passes it along."""
_PRIVATE = ("__provider", URN_PROPERTY)

_warned: set[str] = set()


class DeploymentProvider(ResourceProvider):
    """Pickled by reference and without state; the configuration comes from the engine at each operation."""

    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._config: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"_config": None}

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config
        show_plain_errors()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        inputs = _known(news)
        checked = deployment.check(inputs)
        failures = [CheckFailure(problem.property_name, problem.reason) for problem in checked.problems]
        if not failures and _needs_verifying(_olds, inputs):
            failures = self._verify(inputs)
        return CheckResult(dict(news), failures)

    def _verify(self, inputs: Mapping[str, Any]) -> list[CheckFailure]:
        service = next((name for name in inputs if name.endswith("_id")), "")
        try:
            around = self._around(inputs)
            shared_session().run(deployment.verify(inputs, around.client, around))
        except DokployError as error:
            return [CheckFailure(service, str(error))]
        return []

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        change = deployment.diff(_known(_olds), _known(_news))
        return DiffResult(
            changes=change.has_changes,
            replaces=[path.partition(".")[0] for path in change.replaces],
            stables=[],
            delete_before_replace=False,
        )

    def create(self, props: dict[str, Any]) -> CreateResult:
        inputs = _known(props)
        identity, state = shared_session().run(
            deployment.create(inputs, self._around(props), default_title=_default_title(props))
        )
        return CreateResult(identity, {**state, URN_PROPERTY: props.get(URN_PROPERTY)})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        state = shared_session().run(
            deployment.update(_known(_olds), _known(_news), self._around(_news), default_title=_default_title(_news))
        )
        return UpdateResult({**state, URN_PROPERTY: _news.get(URN_PROPERTY)})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        state = shared_session().run(deployment.read(_known(props), self._around(props)))
        if state is None:
            return ReadResult(None, {})
        return ReadResult(id_, {**state, URN_PROPERTY: props.get(URN_PROPERTY)})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        shared_session().run(deployment.delete(_known(_props), self._around(_props)))

    def _around(self, props: Mapping[str, Any]) -> Surroundings:
        name = props.get("connection")
        connection = resolve_connection(
            lambda key: self._config.get(key) if self._config is not None else None,
            name=name if isinstance(name, str) else None,
        )
        urn = props.get(URN_PROPERTY)
        reporter = EngineReporter(urn if isinstance(urn, str) else "")
        _warn_of_plain_http(connection, reporter)
        return shared_session().surroundings(connection, reporter)


def _warn_of_plain_http(connection: Connection, reporter: EngineReporter) -> None:
    if connection.is_plain_http_to_remote_host and connection.origin not in _warned:
        _warned.add(connection.origin)
        reporter.warning(
            f"The API key travels unencrypted to {connection.origin}: use https, or a tunnel to this machine."
        )


def _needs_verifying(olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
    """Nothing is sent for a resource that does not change; a service that is not known yet can't be asked for."""
    if service_of(inputs) is None or contains_unknown(inputs.get("connection")):
        return False
    return not olds or deployment.diff(_known(olds), inputs).has_changes


def _known(props: Mapping[str, Any]) -> dict[str, Any]:
    """The properties without the host's own, with the engine's unknowns translated."""
    return {name: _translate(value) for name, value in props.items() if name not in _PRIVATE}


def _translate(value: Any) -> Any:
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _translate(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_translate(part) for part in value]
    return value


def _default_title(props: Mapping[str, Any]) -> str:
    """`pulumi up: shop/production` from the URN `urn:pulumi:production::shop::…`."""
    parts = str(props.get(URN_PROPERTY) or "").split("::")
    if len(parts) < 4 or not parts[0].startswith("urn:pulumi:"):
        return "pulumi up"
    return f"pulumi up: {parts[1]}/{parts[0].removeprefix('urn:pulumi:')} ({parts[-1]})"
