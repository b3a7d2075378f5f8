"""Which earlier version a pin means, and by which way it can be brought back; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pulumi_dokploy_deployments.api.errors import DokployError, Step
from pulumi_dokploy_deployments.api.models import Service, ServiceKind, SourceType
from pulumi_dokploy_deployments.api.services import name_of
from pulumi_dokploy_deployments.api.text import Input, Text, joined
from pulumi_dokploy_deployments.rollback.candidates import Candidate, age_text, table_of

SHORT_COMMIT = 12


class Strategy(StrEnum):
    """The way back to an earlier version."""

    AUTO = "auto"
    IMAGE = "image"
    SOURCE = "source"


class SelectorKind(StrEnum):
    """By what a version is named."""

    VERSION = "version"
    ROLLBACK_ID = "rollback_id"
    DEPLOYMENT_ID = "deployment_id"
    COMMIT = "commit"
    TITLE = "title"
    PREVIOUS = "previous"


@dataclass(frozen=True)
class Selector:
    """One way of naming a version, with its value."""

    kind: SelectorKind
    value: str | int

    def __str__(self) -> str:
        return f"{self.kind.value} {self.value!r}"

    @property
    def words(self) -> str:
        """The selector in a sentence: `deployment id 'a1'`."""
        return f"{self.kind.value.replace('_', ' ')} {self.value!r}"


@dataclass(frozen=True)
class Target:
    """One concrete version, and the way back to it.

    Attributes:
        image: with `image`, the stored image; with `source`, the docker image of that time.
        source_ref: with `source`, what the service's source is set to: an image, a git branch or a tag.
    """

    strategy: Strategy
    deployment_id: str
    created_at: datetime
    title: str
    rollback_id: str | None = None
    version: int | None = None
    image: str | None = None
    commit_hash: str | None = None
    commit_message: str | None = None
    source_ref: str | None = None

    def describe(self, now: datetime) -> str:
        """`version 3 (commit 4f2a…, "fix: …", 2 hours ago, by image)` for messages and the preview."""
        name = f"version {self.version}" if self.version is not None else f"deployment {self.deployment_id}"
        parts = [f"commit {self.commit_hash[:SHORT_COMMIT]}"] if self.commit_hash else []
        parts += [f'"{self.title}"'] if self.title else []
        parts += [age_text(now - self.created_at), f"by {self.strategy.value}"]
        return f"{name} ({', '.join(parts)})"


class NoSuchTarget(DokployError):
    """The selected version does not exist or can't be brought back; the message has the table of those that can."""


def select(selector: Selector, candidates: Sequence[Candidate], service: Service, now: datetime) -> Candidate:
    """The one finished deployment that the selector means.

    Raises:
        NoSuchTarget: there is none, or several.
    """
    if selector.kind is SelectorKind.PREVIOUS:
        done = [candidate for candidate in candidates if candidate.was_successful]
        steps = int(selector.value)
        if steps >= len(done):
            count = f"{len(done)} successful deployment{'s' if len(done) != 1 else ''}"
            raise _no_target(
                f"{name_of(service)} has only {count} in its history, so there is none {steps} before the newest",
                candidates,
                now,
                service,
                selector.kind,
            )
        return done[steps]
    found = [candidate for candidate in candidates if _matches(selector, candidate)]
    if not found:
        raise _no_target(
            f"{name_of(service)} has no finished deployment with {selector.words}",
            candidates,
            now,
            service,
            selector.kind,
        )
    different = {candidate.commit_hash for candidate in found}
    if len(found) > 1 and (None in different or len(different) > 1):
        raise _no_target(
            (
                f"{len(found)} deployments of {name_of(service)} have the {selector.words}; select one of them by ",
                Input("version"),
                " or ",
                Input("deployment_id"),
            ),
            found,
            now,
            service,
            selector.kind,
        )
    # Several deployments of one commit are the same version: the newest that works stands for them.
    return next((candidate for candidate in found if candidate.works), found[0])


def choose_way(
    candidate: Candidate,
    strategy: Strategy,
    service: Service,
    candidates: Sequence[Candidate],
    now: datetime,
    *,
    source_ref: str | None,
) -> Target:
    """Bring a version and a way back together; `auto` prefers the stored image.

    Args:
        source_ref: the image or git ref of that version, where it is known; see `source_pin.ref_of`.

    Raises:
        NoSuchTarget: the version can't be brought back this way.
    """
    target = Target(
        strategy=Strategy.IMAGE,
        deployment_id=candidate.deployment_id,
        created_at=candidate.created_at,
        title=candidate.title,
        rollback_id=candidate.rollback_id,
        version=candidate.version,
        image=candidate.image,
        commit_hash=candidate.commit_hash,
        commit_message=candidate.commit_message,
    )
    if strategy is not Strategy.SOURCE and candidate.works and service.kind is ServiceKind.APPLICATION:
        return target
    if not candidate.was_successful:
        raise _no_target(
            f"The deployment {candidate.deployment_id} of {name_of(service)} can't be brought back: "
            f"{candidate.why_not}",
            candidates,
            now,
            service,
        )
    if strategy is Strategy.IMAGE:
        why = candidate.why_not or "rollback images exist only for applications"
        raise _no_target(
            f"The deployment {candidate.deployment_id} of {name_of(service)} has no image to go back to: {why}",
            candidates,
            now,
            service,
        )
    if source_ref is None:
        raise _no_target(
            joined(
                f"The deployment {candidate.deployment_id} of {name_of(service)} can't be brought back: ",
                _why_no_source(service, candidate),
            ),
            candidates,
            now,
            service,
        )
    image = source_ref if service.source_type is SourceType.DOCKER else None
    return replace(target, strategy=Strategy.SOURCE, rollback_id=None, image=image, source_ref=source_ref)


def can_pin_by_source(service: Service) -> bool:
    """Whether the service has a source setting that can be pointed at an earlier version."""
    if service.source_type is None:
        return False
    return service.source_type.is_git or (
        service.source_type is SourceType.DOCKER and service.kind is ServiceKind.APPLICATION
    )


def runs_image(running: str, stored: str) -> bool:
    """Whether the image that runs is the stored one; registry and prefix come before it (transcript 337)."""
    return bool(stored) and (running.partition("@")[0] == stored or running.partition("@")[0].endswith(f"/{stored}"))


def _matches(selector: Selector, candidate: Candidate) -> bool:
    value = selector.value
    match selector.kind:
        case SelectorKind.VERSION:
            return candidate.version == value
        case SelectorKind.ROLLBACK_ID:
            return candidate.rollback_id == value
        case SelectorKind.DEPLOYMENT_ID:
            return candidate.deployment_id == value
        case SelectorKind.COMMIT:
            return (candidate.commit_hash or "").startswith(str(value).lower()) and bool(value)
        case SelectorKind.TITLE:
            return candidate.title == value
        case SelectorKind.PREVIOUS:
            return False


def _why_no_source(service: Service, candidate: Candidate) -> Text:
    no_image = candidate.why_not or "its image is not used with the strategy source"
    if service.source_type is not None and service.source_type.is_git:
        return (
            f"{no_image}, and Dokploy clones branches and tags, but not bare commits. Set ",
            Input("source_ref"),
            " to a branch or tag that points to that commit",
        )
    if service.source_type is SourceType.DOCKER:
        return (
            f"{no_image}, and the log that named its image is gone. Set ",
            Input("source_ref"),
            " to the image",
        )
    return f"{no_image}, and its source ({service.source_type or 'unknown'}) keeps no earlier versions"


def _no_target(
    reason: Text,
    candidates: Sequence[Candidate],
    now: datetime,
    service: Service,
    at_fault: SelectorKind | None = None,
) -> NoSuchTarget:
    name = at_fault.value if at_fault is not None else None
    working = [candidate for candidate in candidates if candidate.works]
    if working:
        table = "\n".join(f"    {line}" for line in table_of(working, now).split("\n"))
        return NoSuchTarget(
            joined(reason, f". These can be brought back by image:\n{table}"),
            step=Step.CHANGE_INPUT,
            property_name=name,
        )
    if service.kind is ServiceKind.COMPOSE:
        return NoSuchTarget(
            joined(reason, ". Dokploy stores no images of a compose: it can only be pinned by its source."),
            step=Step.CHANGE_INPUT,
            property_name=name,
        )
    return NoSuchTarget(
        joined(reason, ". No version of it can be brought back by image."),
        next_step="Enable rollbacks with a registry in the application's settings (Deployments → Rollback settings); "
        "every later deployment is then kept as a version.",
        step=Step.CHANGE_SERVER,
        property_name=name,
    )
