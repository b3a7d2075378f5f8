"""The stages of a run with their times, and the estimate of the rest; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from pulumi_dokploy_deployments.waiting.progress import Stage

_QUIET = frozenset({Stage.DONE, Stage.FAILED})


@dataclass
class StageTimes:
    """The stages that a run went through, on a monotonic clock.

    Args:
        usual_seconds: how long the service's deployments usually take; None without history.
    """

    usual_seconds: float | None = None
    stage: Stage = Stage.QUEUED
    started_at: float | None = None
    _entered: list[tuple[Stage, float]] = field(default_factory=list)

    def enter(self, stage: Stage, at: float) -> bool:
        """Note that a stage has begun; whether it is a new one."""
        if self._entered and self._entered[-1][0] is stage:
            return False
        if stage is not Stage.QUEUED and self.started_at is None:
            self.started_at = at
        self.stage = stage
        self._entered.append((stage, at))
        return True

    def started_earlier(self, at: float) -> None:
        """The run began before it was watched."""
        self.started_at = at

    def elapsed(self, now: float) -> float:
        """Seconds since the job started; 0 while it waits."""
        return 0.0 if self.started_at is None else max(0.0, now - self.started_at)

    def rest(self, now: float) -> float | None:
        """The estimated seconds to the end, negative where it takes longer than usual; None without history."""
        if self.usual_seconds is None:
            return None
        return self.usual_seconds - self.elapsed(now)

    def durations(self, now: float) -> list[tuple[Stage, float]]:
        """Each stage seen, with the seconds spent in it; a stage that was entered twice is one."""
        spent: dict[Stage, float] = {}
        for index, (stage, at) in enumerate(self._entered):
            end = self._entered[index + 1][1] if index + 1 < len(self._entered) else now
            if stage not in _QUIET:
                spent[stage] = spent.get(stage, 0.0) + max(0.0, end - at)
        # In the order of a run: the log says "build completed" before a push, and the update comes after it.
        order = list(Stage)
        return sorted(spent.items(), key=lambda item: order.index(item[0]))
