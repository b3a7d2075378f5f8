"""From a reading to what was there before the trigger. Pure."""

from __future__ import annotations

from pulumi_dokploy_deployments.workload.model import Baseline, Member, MemberBefore, Reading, UnitBefore, UnitState

FAILING_TASKS = 2
"""So many failed tasks, and none that runs, are a service that was failing before."""
FAILING_RESTARTS = 2


def baseline_of(reading: Reading) -> Baseline:
    """What was there, to be compared with later."""
    members = {member.name: _as_before(member) for member in reading.members if member.units or member.service_id}
    return Baseline(members=members, was_read=True)


def _as_before(member: Member) -> MemberBefore:
    return MemberBefore(
        units={
            unit.id: UnitBefore(restarts=unit.restarts, started=unit.started, has_ended=unit.has_ended)
            for unit in member.units
            if not unit.is_one_off
        },
        image=member.image,
        update_started_at=member.update.started_at if member.update is not None else None,
        service_id=member.service_id,
        was_failing=_was_failing(member),
    )


def _was_failing(member: Member) -> bool:
    units = [unit for unit in member.units if not unit.is_one_off]
    if any(unit.is_task for unit in units):
        failed = [unit for unit in units if unit.state in (UnitState.FAILED, UnitState.REJECTED, UnitState.COMPLETE)]
        return len(failed) >= FAILING_TASKS and not any(unit.is_up for unit in units) and not member.is_job
    return any(unit.state is UnitState.RESTARTING and unit.restarts >= FAILING_RESTARTS for unit in units)
