"""What a `Deployment` names of its service's settings: what is asked for, what no longer holds, what was before."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import Input, Text
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS, Problem
from pulumi_dokploy_deployments.rollback.by_image import running_image
from pulumi_dokploy_deployments.settings.apply import plan_change
from pulumi_dokploy_deployments.settings.change import SettingsChange
from pulumi_dokploy_deployments.settings.images import is_what_was_named
from pulumi_dokploy_deployments.settings.wanted import SettingRefused, Wanted, misfits
from pulumi_dokploy_deployments.waiting.context import RunContext

STORED_IMAGE = re.compile(r"/[^/:]+:v(\d+)$")
"""The image of a version that Dokploy has stored for rollbacks: what a pinned service runs (transcript 337)."""


class SettingsBefore(BaseModel):
    """What the service was set to before a resource set it, without any value of a variable."""

    model_config = ConfigDict(frozen=True)

    image: str | None = None
    git_ref: str | None = None
    variables: tuple[str, ...] = ()
    """The named variables that were there."""


@dataclass(frozen=True)
class Drift:
    """What someone else has changed since the resource set it.

    Attributes:
        names: the inputs that no longer hold.
        told: what it is now, in words without any value of a variable.
    """

    names: tuple[str, ...] = ()
    told: str = ""


def wanted_of(inputs: DeploymentInputs) -> Wanted:
    """What is to be set; what is not known yet is left out."""
    return Wanted(image=inputs.image, git_ref=inputs.git_ref, env=inputs.env or {})


def setting_problems(inputs: DeploymentInputs) -> list[Problem]:
    """What can't be set, whatever the service is like."""
    kind = SERVICE_ID_FIELDS[inputs.service_property]
    return [Problem(misfit.property_name, misfit.reason) for misfit in misfits(kind, wanted_of(inputs))]


async def announce(service: Service, wanted: Wanted, context: RunContext) -> None:
    """Tell, before the deployment, what will be set, from what to what, and what runs now.

    Raises:
        SettingRefused: the service can't be set to it.
        ApiError: the server could not be asked.
    """
    change = await plan_change(service, wanted, context)
    told = change.told
    if wanted.image is not None:
        runs = await running_image(service, context)
        told += f"{', ' if told else f'image {wanted.image}, '}{runs} runs now" if runs else ""
    if told:
        context.reporter.line(f"{name_of(service)}: {told}")


def no_longer_named(earlier: DeploymentInputs, inputs: DeploymentInputs) -> Text:
    """What the program named and names no more, and that it stays; empty where there is none."""
    is_known = "env" not in inputs.unknown
    variables = [name for name in earlier.env or {} if is_known and name not in (inputs.env or {})]
    names = []
    if variables:
        names.append(f"the variable{'' if len(variables) == 1 else 's'} {', '.join(variables)}")
    names += [
        f"the {word} {getattr(earlier, name)}"
        for name, word in (("image", "image"), ("git_ref", "git ref"))
        if getattr(earlier, name) is not None and getattr(inputs, name) is None and name not in inputs.unknown
    ]
    if not names:
        return ""
    return (f"The program no longer names {' and '.join(names)}: the service stays set so until it is changed there.",)


async def drift_of(service: Service, wanted: Wanted, context: RunContext, *, was_proven: bool) -> Drift:
    """What of the named settings no longer holds.

    Args:
        service: as it was read just now.
        wanted: what the resource has set.
        context: the server and the clock.
        was_proven: whether the image was seen to run, so that another one that runs now is somebody else's.

    Raises:
        ApiError: the server could not be asked.
    """
    try:
        change = await plan_change(service, wanted, context)
    except SettingRefused as error:
        return Drift((error.property_name or "image",), str(error).rstrip("."))
    names, told = [], []
    if wanted.image is not None and change.image_before != wanted.image:
        names.append("image")
        told.append(f"the image is set to {change.image_before or '(none)'} and not to {wanted.image}")
    if wanted.git_ref is not None and change.git_ref_before != wanted.git_ref:
        names.append("git_ref")
        told.append(f"the git ref is set to {change.git_ref_before or '(none)'} and not to {wanted.git_ref}")
    if variables := (*change.changed, *change.added):
        names.append("env")
        told.append(f"{', '.join(variables)} {'has' if len(variables) == 1 else 'have'} another value")
    if wanted.image is not None and "image" not in names and was_proven:
        runs = await running_image(service, context)
        # A pin is applied after the deployment, and wins.
        if runs and not is_what_was_named(wanted.image, runs) and STORED_IMAGE.search(runs) is None:
            names.append("image")
            told.append(f"{runs} runs and not {wanted.image}")
    return Drift(tuple(names), "; ".join(told))


def drift_warning(service: Service, drift: Drift) -> Text:
    """What is told of a drift."""
    return (
        f"{name_of(service)} is no longer what the program names: {drift.told}. The next update sets and deploys it "
        "again; to keep what someone else has set, name that in the program, or leave out ",
        *_inputs(drift.names),
        ".",
    )


def before_ours(
    earlier: SettingsBefore | None, change: SettingsChange | None, ours: Wanted | None
) -> SettingsBefore | None:
    """What the service was set to before the resource: what the resource itself has set earlier does not count.

    Args:
        earlier: what the state has of it.
        change: what the run has set; None where it has set nothing.
        ours: what the resource had set before that.
    """
    if change is None:
        return earlier
    ours, kept = ours or Wanted(), earlier or SettingsBefore()
    is_ours = {
        "image": change.image_before is not None and change.image_before == ours.image,
        "git_ref": change.git_ref_before is not None and change.git_ref_before == ours.git_ref,
    }
    added = {*change.added} | ({*ours.env} - {*kept.variables})
    return SettingsBefore(
        image=kept.image if is_ours["image"] else change.image_before,
        git_ref=kept.git_ref if is_ours["git_ref"] else change.git_ref_before,
        variables=tuple(name for name in change.wanted.env if name not in added),
    )


def _inputs(names: tuple[str, ...]) -> tuple[Input | str, ...]:
    parts: list[Input | str] = []
    for name in names:
        parts += [", ", Input(name)] if parts else [Input(name)]
    return tuple(parts)
