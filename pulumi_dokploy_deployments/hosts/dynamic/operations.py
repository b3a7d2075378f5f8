"""The dynamic providers' work: translates the engine's calls to the resources' life cycles.

Imported in the provider process only; see `provider`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    UpdateResult,
)
from pulumi.output import Unknown

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.configuration import resolve_connection, warn_of_plain_http
from pulumi_dokploy_deployments.hosts.dynamic.urns import URN_PROPERTY
from pulumi_dokploy_deployments.hosts.engine_log import EngineReporter
from pulumi_dokploy_deployments.hosts.session import shared_session
from pulumi_dokploy_deployments.hosts.titles import default_title
from pulumi_dokploy_deployments.hosts.words import PYTHON
from pulumi_dokploy_deployments.resources import deployment, rollback_target
from pulumi_dokploy_deployments.resources.fields import (
    UNKNOWN,
    Checked,
    Diff,
    contains_unknown,
    service_of,
)
from pulumi_dokploy_deployments.waiting.context import RunContext

_PRIVATE = ("__provider", URN_PROPERTY)

Props = dict[str, Any]


class Operations:
    """What both resources' operations do alike: find the server, and tell the engine how things go."""

    def __init__(self, config: Any) -> None:
        self._config = config

    def _context(self, props: Mapping[str, Any]) -> RunContext:
        name = props.get("connection")
        connection = resolve_connection(
            self._config.get,
            name=name if isinstance(name, str) else None,
        )
        urn = props.get(URN_PROPERTY)
        reporter = EngineReporter(urn if isinstance(urn, str) else "")
        warn_of_plain_http(connection, reporter)
        return shared_session().run_context(connection, reporter)


class DeploymentOperations(Operations):
    """The operations of `Deployment`."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        inputs = _known(news)
        checked = deployment.check(inputs)
        failures = _failures(checked)
        # Nothing is sent for a resource that does not change.
        if not failures and _can_ask(inputs) and (not olds or deployment.diff(_known(olds), inputs).has_changes):
            try:
                context = self._context(news)
                shared_session().run(deployment.verify(inputs, context))
            except DokployError as error:
                failures = [_failure_of(error)]
        return CheckResult(dict(news), failures)

    def diff(self, olds: Props, news: Props) -> DiffResult:
        return _diff_result(deployment.diff(_known(olds), _known(news)))

    def create(self, props: Props) -> CreateResult:
        identity, state = shared_session().run(
            deployment.create(_known(props), self._context(props), default_title=_title(props))
        )
        return CreateResult(identity, _with_urn(state, props))

    def update(self, olds: Props, news: Props) -> UpdateResult:
        state = shared_session().run(
            deployment.update(_known(olds), _known(news), self._context(news), default_title=_title(news))
        )
        return UpdateResult(_with_urn(state, news))

    def read(self, id_: str, props: Props) -> ReadResult:
        state = shared_session().run(deployment.read(_known(props), self._context(props)))
        return ReadResult(id_, _with_urn(state, props)) if state is not None else ReadResult(None, {})

    def delete(self, props: Props) -> None:
        shared_session().run(deployment.delete(_known(props), self._context(props)))


class RollbackTargetOperations(Operations):
    """The operations of `RollbackTarget`."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        inputs = _known(news)
        checked = rollback_target.check(inputs)
        failures = _failures(checked)
        computed: Props = {}
        if not failures and _can_ask(inputs):
            try:
                context = self._context(news)
                resolved = shared_session().run(rollback_target.resolve(_known(olds), inputs, context))
                computed = {
                    name: resolved[name]
                    for name in (rollback_target.SELECTED, rollback_target.TARGET)
                    if name in resolved
                }
                if computed.get(rollback_target.TARGET) != olds.get(rollback_target.TARGET):
                    context.reporter.line(rollback_target.describe(resolved, context))
            except DokployError as error:
                failures = [_failure_of(error)]
        return CheckResult({**news, **computed}, failures)

    def diff(self, olds: Props, news: Props) -> DiffResult:
        state = _known(olds)
        if _can_ask(state):
            state = shared_session().run(rollback_target.look(state, self._context(news)))
        return _diff_result(rollback_target.diff(state, _known(news)))

    def create(self, props: Props) -> CreateResult:
        identity, state = shared_session().run(
            rollback_target.create(_known(props), self._context(props), default_title=_title(props))
        )
        return CreateResult(identity, _with_urn(state, props))

    def update(self, olds: Props, news: Props) -> UpdateResult:
        state = shared_session().run(
            rollback_target.update(_known(olds), _known(news), self._context(news), default_title=_title(news))
        )
        return UpdateResult(_with_urn(state, news))

    def read(self, id_: str, props: Props) -> ReadResult:
        state = shared_session().run(rollback_target.read(_known(props), self._context(props)))
        return ReadResult(id_, _with_urn(state, props)) if state is not None else ReadResult(None, {})

    def delete(self, props: Props) -> None:
        shared_session().run(rollback_target.delete(_known(props), self._context(props), default_title=_title(props)))


def _failures(checked: Checked) -> list[CheckFailure]:
    return [CheckFailure(problem.property_name, problem.reason) for problem in checked.problems]


def _failure_of(error: DokployError) -> CheckFailure:
    return CheckFailure(error.property_name or "", error.told(PYTHON))


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
