"""Reads a compose file: which services it has, and what of them decides over containers."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

import yaml  # type: ignore[import-untyped]

from .tasks import Restart
from .templates import Json

VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))")
SPAN = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
SCALED = ("scale", "deploy", "depends_on", "profiles")
"""Keys that leave the hash of a service's configuration as it is (transcripts 504, 515)."""


class InvalidFile(ValueError):
    """A compose file that compose refuses."""


@dataclass(frozen=True)
class Member:
    """One service of a compose file; `checked` None has no health check, False one that never passes."""

    name: str
    image: str
    builds: bool
    command: tuple[str, ...]
    restart: str
    replicas: int
    profiles: tuple[str, ...]
    checked: bool | None
    config_hash: str
    swarm_restart: Restart | None
    order: str
    failure_action: str
    rollback_order: str
    monitor: float
    constraints: tuple[str, ...]


def environment(lines: object) -> dict[str, str]:
    """Return the variables of a service's `env` column."""
    pairs = (line.partition("=") for line in str(lines or "").splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def read(text: str, variables: dict[str, str]) -> list[Member]:
    """Return the services of a file in its order; those of inactive profiles too. Raises InvalidFile."""
    try:
        content = yaml.safe_load(VARIABLE.sub(lambda match: _value(match, variables), text))
    except yaml.YAMLError as error:
        raise InvalidFile(f"yaml: {str(error).splitlines()[0]}") from error
    services = content.get("services") if isinstance(content, dict) else None
    if not isinstance(services, dict):
        return []
    return [_member(str(name), fields or {}) for name, fields in services.items()]


def active(members: Iterable[Member], variables: dict[str, str]) -> list[Member]:
    """Return the services that `up` starts: those without a profile or with one of COMPOSE_PROFILES."""
    profiles = {name.strip() for name in variables.get("COMPOSE_PROFILES", "").split(",")}
    return [member for member in members if not member.profiles or profiles & set(member.profiles)]


def _value(match: re.Match[str], variables: dict[str, str]) -> str:
    return variables.get(match[1] or match[3], match[2] or "")


def _member(name: str, fields: Json) -> Member:
    deploy = fields.get("deploy") or {}
    update = deploy.get("update_config") or {}
    command = fields.get("command") or ()
    own = {key: value for key, value in fields.items() if key not in SCALED}
    return Member(
        name=name,
        image=str(fields.get("image") or ""),
        builds="build" in fields,
        command=("sh", "-c", command) if isinstance(command, str) else tuple(str(word) for word in command),
        restart=str(fields.get("restart") or "no").replace("False", "no"),
        replicas=int(fields.get("scale", deploy.get("replicas", 1))),
        profiles=tuple(fields.get("profiles") or ()),
        checked=_checked(fields.get("healthcheck")),
        config_hash=hashlib.sha256(json.dumps(own, sort_keys=True, default=str).encode()).hexdigest(),
        swarm_restart=_restart(deploy.get("restart_policy")),
        order=str(update.get("order", "stop-first")),
        failure_action=str(update.get("failure_action", "pause")),
        rollback_order=str((deploy.get("rollback_config") or {}).get("order", "stop-first")),
        monitor=seconds(update.get("monitor", "5s")),
        constraints=tuple((deploy.get("placement") or {}).get("constraints") or ()),
    )


def _checked(healthcheck: Json | None) -> bool | None:
    if not healthcheck or healthcheck.get("disable"):
        return None
    test = healthcheck.get("test") or ""
    words = test.split() if isinstance(test, str) else [str(word) for word in test]
    return not words or words[-1].rsplit("/", 1)[-1] != "false"


def _restart(policy: Json | None) -> Restart | None:
    if policy is None:
        return None
    delay = seconds(policy["delay"]) if "delay" in policy else None
    return Restart(policy.get("condition", "any"), delay, int(policy.get("max_attempts", 0)))


def seconds(span: object) -> float:
    """Return a span as compose files write it ("10s", "1m30s") in seconds."""
    return sum(float(number) * SPAN[unit] for number, unit in re.findall(r"([\d.]+)(ns|us|ms|s|m|h)", str(span)))
