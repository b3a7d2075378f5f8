"""`deploy`: deploy a service and wait until it really runs."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pulumi_dokploy_deployments.cli.command import command
from pulumi_dokploy_deployments.cli.option_texts import (
    DEPLOYMENT,
    DeployMethod,
    IfUnproven,
    OnBusy,
    OnFailure,
    WaitFor,
)
from pulumi_dokploy_deployments.cli.options import REPEATED, RequiredService, Timeout, option

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.client import DokployClient
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.live import LiveReporter
    from pulumi_dokploy_deployments.cli.session import Session
    from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
    from pulumi_dokploy_deployments.rollout.record import RunRecord
    from pulumi_dokploy_deployments.waiting.progress import Progress


@command
def deploy(
    session: Session,
    service: RequiredService,
    image: Annotated[str | None, option(DEPLOYMENT["image"], metavar="IMAGE")] = None,
    git_ref: Annotated[str | None, option(DEPLOYMENT["git_ref"], metavar="REF")] = None,
    env: Annotated[list[str] | None, option(DEPLOYMENT["env"], more=REPEATED, metavar="NAME=VALUE")] = None,
    method: Annotated[DeployMethod | None, option(DEPLOYMENT["method"])] = None,
    title: Annotated[str | None, option(DEPLOYMENT["title"])] = None,
    description: Annotated[str | None, option(DEPLOYMENT["description"])] = None,
    wait_for: Annotated[WaitFor | None, option(DEPLOYMENT["wait_for"])] = None,
    stable_seconds: Annotated[float | None, option(DEPLOYMENT["stable_seconds"], metavar="SECONDS")] = None,
    if_unproven: Annotated[IfUnproven | None, option(DEPLOYMENT["if_unproven"])] = None,
    on_failure: Annotated[OnFailure | None, option(DEPLOYMENT["on_failure"])] = None,
    on_busy: Annotated[OnBusy | None, option(DEPLOYMENT["on_busy"])] = None,
    timeout: Timeout = None,
    expect_commit: Annotated[str | None, option(DEPLOYMENT["expect_commit"], metavar="COMMIT")] = None,
    log: Annotated[bool, typer.Option(help="The build log runs along.")] = True,
) -> None:
    """Deploy a service and wait until it really runs. Ctrl-C ends the waiting, not the deployment."""
    inputs = checked_inputs(
        service,
        image=image,
        git_ref=git_ref,
        env=_variables(env),
        method=method,
        title=title,
        description=description,
        wait_for=wait_for,
        stable_seconds=stable_seconds,
        if_unproven=if_unproven,
        on_failure=on_failure,
        on_busy=on_busy,
        timeout_seconds=timeout,
        expect_commit=expect_commit,
    )
    _deploy(session, service, inputs, show_log=log)


def _variables(given: list[str] | None) -> dict[str, str] | None:
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument

    variables: dict[str, str] = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign:
            raise InvalidArgument(f"{name!r} is no variable with its value.", next_step="Give --env NAME=VALUE.")
        variables[name] = value
    return variables or None


def checked_inputs(service: ServiceRef, **given: Any) -> DeploymentInputs:
    """The inputs of a deployment, checked as those of the resource are.

    Raises:
        InvalidArgument: one of them is not valid.
    """
    from pulumi_dokploy_deployments.functions.filters import InvalidArgument
    from pulumi_dokploy_deployments.resources.deployment import DeploymentLifeCycle

    named = {f"{service.kind.value}_id": service.service_id}
    plain = {name: value.value if isinstance(value, Enum) else value for name, value in given.items()}
    checked = DeploymentLifeCycle().check({**named, **{n: v for n, v in plain.items() if v is not None}})
    for problem in checked.problems:
        if problem.property_name == "expect_commit" and not service.kind.is_database:
            raise InvalidArgument(
                f"{given['expect_commit']!r} is not a commit.",
                next_step="Give seven or more of its hexadecimal digits.",
                property_name="expect_commit",
            )
        raise InvalidArgument(problem.reason, property_name=problem.property_name)
    assert checked.inputs is not None  # noqa: S101 - there is no problem
    return checked.inputs


def _deploy(session: Session, ref: ServiceRef, inputs: DeploymentInputs, *, show_log: bool) -> None:
    from pulumi_dokploy_deployments.api.services import ServiceRef
    from pulumi_dokploy_deployments.cli.run_end import reporter_of, shown, tell_run
    from pulumi_dokploy_deployments.functions.names import named_service
    from pulumi_dokploy_deployments.resources.deployment_model import OnFailure as WhenItFails
    from pulumi_dokploy_deployments.resources.named_settings import wanted_of
    from pulumi_dokploy_deployments.rollback.recovery import deploy_or_recover
    from pulumi_dokploy_deployments.rollout.deploy import deploy as run_deployment
    from pulumi_dokploy_deployments.rollout.request import RolloutRequest

    session.streams = True
    request = RolloutRequest(
        service=ref,
        method=inputs.method,
        title=inputs.title or "",
        description=inputs.description or "",
        wait_for=inputs.wait_for,
        on_busy=inputs.on_busy,
        timeout_seconds=inputs.timeout_seconds,
        expect_commit=inputs.expect_commit,
        # The log is read in any case, since it tells the stages; what is shown is the reporter's business.
        stream_logs=True,
        stable_seconds=inputs.stable_seconds,
        if_unproven=inputs.if_unproven,
        wanted=wanted_of(inputs),
    )
    reporter: LiveReporter | None = None

    async def work(client: DokployClient) -> tuple[LiveReporter, RunRecord]:
        nonlocal reporter
        service = await session.retry(lambda: named_service(client, ref.kind, ref.service_id))
        named = replace(request, service=ServiceRef(service.kind, service.service_id))
        reporter = reporter_of(session, show_log=show_log)
        reporter.name = service.name
        context = session.context(client, reporter)
        with shown(session, reporter, has_log=show_log):
            if inputs.on_failure is WhenItFails.ROLLBACK:
                return reporter, (await deploy_or_recover(named, service, context)).record
            return reporter, await run_deployment(named, context)

    try:
        used, run = session.run(work)
    except KeyboardInterrupt:
        session.goes_on = after_interrupt(ref, reporter.last if reporter is not None else None)
        raise
    tell_run(session, used, run)


def after_interrupt(ref: ServiceRef, last: Progress | None) -> str:
    """What still runs at the server after Ctrl-C, going by the last step that the run has told."""
    from pulumi_dokploy_deployments.waiting.progress import Activity
    from pulumi_dokploy_deployments.waiting.progress_words import phrase

    if last is None or last.activity in (Activity.READING, Activity.DROPPING_WAITING):
        return "Nothing was started."
    watch = f"dokploy-deployments watch --{ref.kind.value} {ref.service_id}"
    if last.activity is Activity.REQUESTING:
        return f"The request may have reached the server; if it did, the deployment goes on there. See: {watch}"
    follow = f" Watch it: {watch}" if not ref.kind.is_database else ""
    return f"The server goes on with the deployment (last seen: {phrase(last)}).{follow}"
