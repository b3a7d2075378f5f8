"""What is asked of a service's settings, and what of it can't be: by kind, by source, by the values; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import REF_FIELDS, Service, ServiceKind, SourceType
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import Input, Text
from pulumi_dokploy_deployments.settings.env_text import UnwritableValue, with_variables
from pulumi_dokploy_deployments.settings.images import is_reference

# What git itself refuses in a branch's or tag's name, and a leading dash, which its command would take for an option.
_NO_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-/.]|//|[/.]$|\.lock$")
_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
SHORTEST_MASKED = 8
"""Shorter values of variables are ports, switches and tags: masked, they would make logs unreadable."""
# Tags that a log has to name: 1.5.0-rc.1, v2026.11.25.
_VERSION = re.compile(r"v?\d{1,4}(\.\d{1,4}){1,3}([-+][0-9A-Za-z.-]{1,20})?")


class SettingRefused(DokployError):
    """The service can't be set to what is named; nothing was sent."""


@dataclass(frozen=True)
class Wanted:
    """What a service is to be set to before it is deployed. What is None, or not among `env`, is left as it is."""

    image: str | None = None
    git_ref: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables with their values. They may be secrets."""

    @property
    def masked_values(self) -> frozenset[str]:
        """Values of variables to be masked in logs. Which are secret is not known here, so all that may be are."""
        return frozenset(
            value for value in self.env.values() if len(value) >= SHORTEST_MASKED and not _VERSION.fullmatch(value)
        )

    def __bool__(self) -> bool:
        return self.image is not None or self.git_ref is not None or bool(self.env)


@dataclass(frozen=True)
class Misfit:
    """One input that can't be set.

    Attributes:
        property_name: the input.
        reason: why not, for the user, and what to do.
    """

    property_name: str
    reason: Text


def misfits(kind: ServiceKind, wanted: Wanted) -> list[Misfit]:
    """What can't be, whatever the service is like: no server is needed to say so."""
    return [*_misfits_of_kind(kind, wanted), *_misfits_of_values(wanted)]


def refusal(service: Service, wanted: Wanted) -> SettingRefused | None:
    """Why this service can't be set to it; None where it can."""
    if wanted.image is not None and image_field(service) is None:
        return SettingRefused(
            (f"{name_of(service)} {_comes_from(service)}, so that ", Input("image"), " can't be set on it."),
            next_step=(
                "To deploy images, switch it once in the dashboard: the service's page, General, Provider, Docker. "
                "Otherwise name the version with ",
                Input("git_ref"),
                ".",
            ),
            step=Step.CHANGE_INPUT,
            property_name="image",
        )
    if wanted.git_ref is not None and ref_field(service) is None:
        other: Text = (
            ("Otherwise name the version with ", Input("image"), ".")
            if service.source_type is SourceType.DOCKER
            else ("Otherwise leave ", Input("git_ref"), " out.")
        )
        switch = "To deploy from git, switch it once in the dashboard: the service's page, General, Provider. "
        return SettingRefused(
            (
                f"{name_of(service)} {_comes_from(service)}, so that it has no branch: ",
                Input("git_ref"),
                " can't be set.",
            ),
            next_step=(switch, *((other,) if isinstance(other, str) else other)),
            step=Step.CHANGE_INPUT,
            property_name="git_ref",
        )
    return None


def image_field(service: Service) -> str | None:
    """The wire field of the image that the service is deployed from; None where it is not deployed from one."""
    is_from_image = service.kind.is_database or service.source_type is SourceType.DOCKER
    return "dockerImage" if is_from_image and service.kind is not ServiceKind.COMPOSE else None


def ref_field(service: Service) -> str | None:
    """The wire field of the branch that the service is built from; None where it is not built from git."""
    return REF_FIELDS.get(service.source_type or "")


def _misfits_of_kind(kind: ServiceKind, wanted: Wanted) -> Iterator[Misfit]:
    if wanted.image is not None and kind is ServiceKind.COMPOSE:
        yield Misfit(
            "image",
            (
                Input("image"),
                " does not go with a compose: its images stand in its file. To release it by a tag, write "
                "`image: …:${TAG}` there and set TAG with ",
                Input("env"),
                ".",
            ),
        )
    if wanted.git_ref is not None and kind.is_database:
        yield Misfit(
            "git_ref",
            (
                Input("git_ref"),
                " does not go with a database: it is not built from git. Name its version with ",
                Input("image"),
                ".",
            ),
        )


def _misfits_of_values(wanted: Wanted) -> Iterator[Misfit]:
    if wanted.image is not None and not is_reference(wanted.image):
        # The server accepts anything here, nothing included, and fails when it deploys (transcripts 564, 565).
        yield Misfit(
            "image",
            (
                Input("image"),
                f" is {wanted.image!r}, which is no name of an image. Give `name:tag` or `name@sha256:…`.",
            ),
        )
    if wanted.git_ref is not None and _COMMIT.fullmatch(wanted.git_ref):
        yield Misfit(
            "git_ref",
            (
                Input("git_ref"),
                f" is the commit {wanted.git_ref[:12]}, but Dokploy can only clone a branch or a tag. Name one that "
                "points to the commit, and have the commit checked with ",
                Input("expect_commit"),
                ".",
            ),
        )
    elif wanted.git_ref is not None and (not wanted.git_ref or _NO_REF.search(wanted.git_ref)):
        yield Misfit("git_ref", (Input("git_ref"), f" is {wanted.git_ref!r}, which is no name of a branch or a tag."))
    for name, value in wanted.env.items():
        try:
            with_variables("", {name: value})
        except UnwritableValue as error:
            about = "" if name in str(error) else f" of {name}"
            yield Misfit("env", (Input("env"), f"{about}: {error}."))
            return


def _comes_from(service: Service) -> str:
    if service.source_type is SourceType.DOCKER:
        return f"is deployed from the image {service.docker_image or '(none)'}"
    if service.source_type is SourceType.RAW:
        return "has its compose file in the dashboard"
    if service.source_type is SourceType.DROP:
        return "is built from an uploaded archive"
    if service.source_type is None:
        return "is not built from git"
    return f"is built from {'git' if service.source_type is SourceType.GIT else service.source_type.value}"
