"""Candidates and services, made short for the tests of this room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pulumi_dokploy_deployments.api.models import Service, ServiceKind
from pulumi_dokploy_deployments.rollback.candidates import Candidate
from tests.support import builders
from tests.support.builders import EPOCH

NOW = EPOCH
IMAGE = "registry.example.com/shop:2"


def candidate(number: int, **changes: Any) -> Candidate:
    """The deployment `d<number>`, made so many hours after the first, whose image is kept as that version."""
    values: dict[str, Any] = {
        "version": number,
        "rollback_id": f"r{number}",
        "deployment_id": f"d{number}",
        "image": f"shop-x1y2z3:v{number}",
        "commit_hash": f"{number:x}" * 40,
        "commit_message": f"feat: {number}",
        "title": f"release {number}",
        "created_at": NOW - timedelta(hours=10 - number),
        "was_successful": True,
        "works": True,
        "why_not": "",
    }
    return Candidate(**(values | changes))


def unstored(number: int, **changes: Any) -> Candidate:
    """A successful deployment whose image was not kept."""
    without = {"version": None, "rollback_id": None, "image": None, "works": False, "why_not": "no image was stored"}
    return candidate(number, **(without | changes))


def failed(number: int, **changes: Any) -> Candidate:
    """A deployment that failed, with a stored version all the same."""
    return candidate(number, **({"was_successful": False, "works": False, "why_not": "it failed"} | changes))


def git_service(**changes: Any) -> Service:
    """An application from git with rollbacks enabled."""
    values: dict[str, Any] = {"git_ref": "main", "rollback_active": True, "rollback_registry_id": "reg-1"}
    return builders.service(source="git").model_copy(update=values | changes)


def docker_service(image: str = IMAGE, **changes: Any) -> Service:
    """An application from a docker image."""
    return builders.service(source="docker").model_copy(update={"docker_image": image, **changes})


def compose(source: str = "git") -> Service:
    """A compose."""
    return builders.service(ServiceKind.COMPOSE, source=source)
