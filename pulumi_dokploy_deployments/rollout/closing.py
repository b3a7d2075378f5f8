"""The last line of a run that went well: what was proven, and how long it took; pure."""

from __future__ import annotations

from pulumi_dokploy_deployments.waiting.progress_words import seconds_text
from pulumi_dokploy_deployments.workload.verdict import Health, MemberReport, State, Verdict


def closing_line(
    name: str,
    verdict: Verdict,
    *,
    stable_seconds: float,
    noun: str = "task",
    version: int | None = None,
    seconds: float | None = None,
) -> str:
    """`healthy: web (2 tasks of shop:1.5.0) stayed up for 5 s · 14 s`.

    Args:
        name: the service.
        verdict: the judgement on what runs.
        stable_seconds: for how long what runs was watched.
        noun: what a unit is called: a task, or a container.
        version: the number of the stored version, where there is one.
        seconds: how long the run took.
    """
    running = [member for member in verdict.members if member.state is State.RUNNING and member.tasks]
    if verdict.health is Health.HEALTHY and running:
        line = f"{verdict.health.value}: {name} ({_units(running, noun)}) stayed up for {stable_seconds:g} s"
    else:
        line = f"{verdict.health.value}: {name}: {verdict.reason}"
    line += f" · version {version}" if version is not None else ""
    return f"{line} · {seconds_text(seconds)}" if seconds is not None else line


def _units(members: list[MemberReport], noun: str) -> str:
    if len(members) == 1:
        return _counted(members[0], noun)
    return ", ".join(f"{member.name}: {_counted(member, noun)}" for member in members)


def _counted(member: MemberReport, noun: str) -> str:
    # Registry and digest say nothing to people that the name and the tag do not.
    image = member.image.partition("@")[0].rpartition("/")[2]
    return f"{member.tasks} {noun}{'' if member.tasks == 1 else 's'}{f' of {image}' if image else ''}"
