"""What is worked out and stored of a `RollbackTarget`: the version that its selector means, and how it was pinned."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs, RollbackTargetOutputs
from pulumi_dokploy_deployments.resources.state import ResourceState, RunState
from pulumi_dokploy_deployments.rollback.targets import Selector, SelectorKind, Target

FINGERPRINT_DIGITS = 16


class Resolution(BaseModel):
    """The one version that a selector was resolved to.

    The selector itself is kept as a fingerprint: enough to see that it has changed, and nothing of a secret value.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    selected_by: SelectorKind
    fingerprint: str
    target: Target

    @classmethod
    def of(cls, selector: Selector, target: Target) -> Self:
        """What a selector was resolved to. A title that it names is the user's, and not stored a second time."""
        if selector.kind is SelectorKind.TITLE:
            target = replace(target, title="")
        return cls(selected_by=selector.kind, fingerprint=fingerprint(str(selector)), target=target)

    def is_of(self, selector: Selector) -> bool:
        """Whether it is this selector's."""
        return self.fingerprint == fingerprint(str(selector))


def fingerprint(selector: str) -> str:
    """Hexadecimal digits that stand for a selector's text."""
    return hashlib.sha256(selector.encode()).hexdigest()[:FINGERPRINT_DIGITS]


class PinInputs(RollbackTargetInputs):
    """The inputs of a pin, with the version that was worked out from them."""

    COMPUTED: ClassVar[frozenset[str]] = frozenset({"resolution", "found_service"})

    resolution: Resolution | None = None

    @property
    def selector(self) -> Selector | None:
        """How the version is named; None while that is not known."""
        for kind in SelectorKind:
            value = getattr(self, kind.value)
            if value is not None:
                return Selector(kind, value)
        return None

    @property
    def selector_property(self) -> str:
        """The input that names the version; empty where none does."""
        return next((kind.value for kind in SelectorKind if kind.value in self.given), "")

    @property
    def target(self) -> Target | None:
        """The version, where it was worked out."""
        return self.resolution.target if self.resolution is not None else None


class PinRun(RunState):
    """What releasing or moving a pin by source has to know."""

    earlier_source: str | None = None
    """The source setting from before the pin."""
    pinned_source: str | None = None
    """What the pin has set it to."""
    pinned_by: str | None = None
    """The deployment by which the pin was applied."""


class RollbackTargetState(ResourceState[PinInputs, RollbackTargetOutputs, PinRun]):
    """What is stored of a `RollbackTarget`."""


def outputs_of(target: Target, *, holds: bool | None) -> RollbackTargetOutputs:
    """What is known of a pin from its version alone."""
    return RollbackTargetOutputs(
        rollback_id=target.rollback_id,
        deployment_id=target.deployment_id,
        version=target.version,
        image=target.image,
        commit_hash=target.commit_hash,
        commit_message=target.commit_message,
        strategy_used=target.strategy.value,
        holds=holds,
    )
