"""The dynamic providers: translate the engine's calls to the resources' life cycles."""

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

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.configuration import resolve_connection, warn_of_plain_http
from pulumi_dokploy_deployments.hosts.dynamic.plain_errors import show_plain_errors
from pulumi_dokploy_deployments.hosts.engine_log import EngineReporter
from pulumi_dokploy_deployments.hosts.session import shared_session
from pulumi_dokploy_deployments.hosts.titles import default_title
from pulumi_dokploy_deployments.resources import deployment, rollback_target
from pulumi_dokploy_deployments.resources.fields import (
    SERVICE_ID_FIELDS,
    UNKNOWN,
    Checked,
    Diff,
    contains_unknown,
    service_of,
)
from pulumi_dokploy_deployments.rollout.context import Surroundings

URN_PROPERTY = "declared_as"
"""The engine does not hand a dynamic provider the resource's URN, so the program passes it along."""
_PRIVATE = ("__provider", URN_PROPERTY)

Props = dict[str, Any]


class DokployProvider(ResourceProvider):
    """What both providers do alike.

    Pickled by reference and without state: configuration and key come from the engine at each operation.
    """

    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._config: Any = None

    def __getstate__(self) -> Props:
        return {"_config": None}

    def configure(self, req: ConfigureRequest) -> None:
        self._config = req.config
        show_plain_errors()

    def _around(self, props: Mapping[str, Any]) -> Surroundings:
        name = props.get("connection")
        connection = resolve_connection(
            lambda key: self._config.get(key) if self._config is not None else None,
            name=name if isinstance(name, str) else None,
        )
        urn = props.get(URN_PROPERTY)
        reporter = EngineReporter(urn if isinstance(urn, str) else "")
        warn_of_plain_http(connection, reporter)
        return shared_session().surroundings(connection, reporter)


class DeploymentProvider(DokployProvider):
    """The provider of `Deployment`."""

    def check(self, _olds: Props, news: Props) -> CheckResult:
        inputs = _known(news)
        checked = deployment.check(inputs)
        failures = _failures(checked)
        # Nothing is sent for a resource that does not change.
        if not failures and _can_ask(inputs) and (not _olds or deployment.diff(_known(_olds), inputs).has_changes):
            try:
                around = self._around(news)
                shared_session().run(deployment.verify(inputs, around))
            except DokployError as error:
                failures = [_failure_of_service(inputs, error)]
        return CheckResult(dict(news), failures)

    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        return _diff_result(deployment.diff(_known(_olds), _known(_news)))

    def create(self, props: Props) -> CreateResult:
        identity, state = shared_session().run(
            deployment.create(_known(props), self._around(props), default_title=_title(props))
        )
        return CreateResult(identity, _with_urn(state, props))

    def update(self, _id: str, _olds: Props, _news: Props) -> UpdateResult:
        state = shared_session().run(
            deployment.update(_known(_olds), _known(_news), self._around(_news), default_title=_title(_news))
        )
        return UpdateResult(_with_urn(state, _news))

    def read(self, id_: str, props: Props) -> ReadResult:
        state = shared_session().run(deployment.read(_known(props), self._around(props)))
        return ReadResult(id_, _with_urn(state, props)) if state is not None else ReadResult(None, {})

    def delete(self, _id: str, _props: Props) -> None:
        shared_session().run(deployment.delete(_known(_props), self._around(_props)))


class RollbackTargetProvider(DokployProvider):
    """The provider of `RollbackTarget`."""

    def check(self, _olds: Props, news: Props) -> CheckResult:
        inputs = _known(news)
        checked = rollback_target.check(inputs)
        failures = _failures(checked)
        computed: Props = {}
        if not failures and _can_ask(inputs):
            try:
                around = self._around(news)
                resolved = shared_session().run(rollback_target.resolve(_known(_olds), inputs, around))
                computed = {
                    name: resolved[name]
                    for name in (rollback_target.SELECTED, rollback_target.TARGET)
                    if name in resolved
                }
                if computed.get(rollback_target.TARGET) != _olds.get(rollback_target.TARGET):
                    around.reporter.line(rollback_target.describe(resolved, around))
            except DokployError as error:
                failures = [_failure_of_service(inputs, error)]
        return CheckResult({**news, **computed}, failures)

    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        olds, news = _known(_olds), _known(_news)
        if _can_ask(olds):
            olds = shared_session().run(rollback_target.look(olds, self._around(_news)))
        return _diff_result(rollback_target.diff(olds, news))

    def create(self, props: Props) -> CreateResult:
        identity, state = shared_session().run(
            rollback_target.create(_known(props), self._around(props), default_title=_title(props))
        )
        return CreateResult(identity, _with_urn(state, props))

    def update(self, _id: str, _olds: Props, _news: Props) -> UpdateResult:
        state = shared_session().run(
            rollback_target.update(_known(_olds), _known(_news), self._around(_news), default_title=_title(_news))
        )
        return UpdateResult(_with_urn(state, _news))

    def read(self, id_: str, props: Props) -> ReadResult:
        state = shared_session().run(rollback_target.read(_known(props), self._around(props)))
        return ReadResult(id_, _with_urn(state, props)) if state is not None else ReadResult(None, {})

    def delete(self, _id: str, _props: Props) -> None:
        shared_session().run(rollback_target.delete(_known(_props), self._around(_props), default_title=_title(_props)))


def _failures(checked: Checked) -> list[CheckFailure]:
    return [CheckFailure(problem.property_name, problem.reason) for problem in checked.problems]


def _failure_of_service(inputs: Mapping[str, Any], error: DokployError) -> CheckFailure:
    name = next((name for name in SERVICE_ID_FIELDS if inputs.get(name) is not None), "")
    return CheckFailure(name, str(error))


def _can_ask(inputs: Mapping[str, Any]) -> bool:
    """A server or a service that is not known yet can't be asked."""
    return service_of(inputs) is not None and not contains_unknown(inputs.get("connection"))


def _diff_result(change: Diff) -> DiffResult:
    replaces = [path.partition(".")[0] for path in change.replaces]
    return DiffResult(changes=change.has_changes, replaces=replaces, stables=[], delete_before_replace=False)


def _with_urn(state: Props, props: Mapping[str, Any]) -> Props:
    return {**state, URN_PROPERTY: props.get(URN_PROPERTY)}


def _title(props: Mapping[str, Any]) -> str:
    return default_title(str(props.get(URN_PROPERTY) or ""))


def _known(props: Mapping[str, Any]) -> Props:
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
