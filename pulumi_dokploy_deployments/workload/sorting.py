"""Which units of a member are this deployment's, and which were there before. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pulumi_dokploy_deployments.api.swarm_models import UpdateStatus
from pulumi_dokploy_deployments.workload.model import Baseline, Member, MemberBefore, Unit, UnitState

CLOCK_SLACK = timedelta(seconds=1)
"""Dokploy's clock makes the row's start, Docker's the units' times."""
REMOTE_CLOCK_SLACK = timedelta(seconds=5)
"""The same where Docker runs on another machine than Dokploy."""
UPDATE_SLACK = timedelta(milliseconds=100)
"""Tasks of an update are made within a millisecond after its start, on the same clock (transcripts 334-339)."""


class Role(StrEnum):
    """What a unit has to do with the deployment."""

    NEW = "new"
    """Made by it."""
    RESTARTED = "restarted"
    """There before, or of the same making, and started or ended since."""
    OLD = "old"
    """As it was before."""


@dataclass(frozen=True)
class Sorted:
    """A member's units by their role; one-off containers are none of them."""

    member: Member
    update: UpdateStatus | None
    """Swarm's update status, if the update is this deployment's."""
    roles: dict[str, Role]

    def units(self, *roles: Role) -> tuple[Unit, ...]:
        """The units of these roles, newest first."""
        return tuple(unit for unit in self.member.units if self.roles.get(unit.id) in roles)

    @property
    def is_touched(self) -> bool:
        """Whether the deployment, or a restart since, has changed anything of it."""
        return self.update is not None or any(role is not Role.OLD for role in self.roles.values())

    @property
    def is_recreated(self) -> bool:
        """Whether the deployment made anything new of it."""
        return self.update is not None or Role.NEW in self.roles.values()


@dataclass(frozen=True)
class Sorter:
    """Tells new from old: by what was there before where that was read, else by the deployment's start.

    Args:
        before: what was there before the trigger.
        since: the start of the deployment on the server's clock; None where there is no row (databases, pins).
        is_remote: whether Docker runs on another machine, with another clock, than Dokploy.
        is_single: whether the workload has one member, whatever its name was before.
    """

    before: Baseline
    since: datetime | None
    is_remote: bool = False
    is_single: bool = False

    def sort(self, member: Member) -> Sorted:
        """The roles of a member's units."""
        update = self._own_update(member)
        roles = {unit.id: self._role(unit, member, update) for unit in member.units if not unit.is_one_off}
        return Sorted(member, update, roles)

    def known(self, name: str) -> MemberBefore | None:
        """The member as it was before; None where it was not there."""
        if self.is_single and len(self.before.members) == 1:
            return next(iter(self.before.members.values()))
        return self.before.members.get(name)

    @property
    def _slack(self) -> timedelta:
        return REMOTE_CLOCK_SLACK if self.is_remote else CLOCK_SLACK

    def _own_update(self, member: Member) -> UpdateStatus | None:
        update = member.update
        if update is None or update.started_at is None:
            return update
        earlier = self.known(member.name)
        if self.before.was_read and earlier is not None and earlier.update_started_at == update.started_at:
            return None
        # Two machines' clocks may differ by more than any slack: there, only what was read before counts.
        if self.since is None or (self.is_remote and self.before.was_read):
            return update
        return update if update.started_at >= self.since - self._slack else None

    def _role(self, unit: Unit, member: Member, update: UpdateStatus | None) -> Role:
        earlier = self.known(member.name)
        if unit.is_task and update is not None and update.started_at is not None:
            # Swarm's update comes at the end of the build. Until then a service that crashes makes new tasks of the
            # old version, which must not be held against the new one.
            if earlier is not None and unit.id in earlier.units:
                return Role.OLD
            return Role.NEW if unit.born is not None and unit.born >= update.started_at - UPDATE_SLACK else Role.OLD
        if not self.before.was_read:
            return self._role_by_time(unit)
        if earlier is None:
            return Role.NEW
        if unit.id not in earlier.units:
            is_same_service = bool(member.service_id) and member.service_id == earlier.service_id
            return Role.RESTARTED if is_same_service else Role.NEW
        was = earlier.units[unit.id]
        if unit.is_task:
            return Role.RESTARTED if unit.has_ended and not was.has_ended and not unit.is_put_down_well else Role.OLD
        if was.started is None and unit.started is not None:
            return Role.NEW
        moved = unit.restarts != was.restarts or unit.started != was.started or unit.has_ended != was.has_ended
        return Role.RESTARTED if moved or unit.state is UnitState.RESTARTING else Role.OLD

    def _role_by_time(self, unit: Unit) -> Role:
        if self.since is None:
            return Role.OLD if unit.is_task and unit.has_ended else Role.NEW
        since = self.since - self._slack
        if unit.born is not None and unit.born >= since:
            return Role.NEW
        if unit.is_task:
            ended = unit.finished is not None and unit.finished >= since and not unit.is_put_down_well
            return Role.RESTARTED if ended else Role.OLD
        again = unit.started is not None and unit.started >= since
        return Role.RESTARTED if again or unit.state is UnitState.RESTARTING else Role.OLD
