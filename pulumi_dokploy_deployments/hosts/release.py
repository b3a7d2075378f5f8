"""`Release`: several deployments as one component, in order where they depend on each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi

from pulumi_dokploy_deployments.hosts.release_inputs import DeploymentArgs, ReleasedService
from pulumi_dokploy_deployments.hosts.release_order import (
    NOTHING,
    images_of,
    in_order,
    predecessors,
    problem_of,
    table,
    verdict,
    version_of,
)
from pulumi_dokploy_deployments.waiting.progress_words import seconds_text

TOKEN = "dokploy:index:Release"  # noqa: S105 - a type of Pulumi's
_FACTS = (
    *("deployment_id", "status", "health", "version", "commit_hash"),
    *("running", "duration_seconds", "url"),
)


class ReleaseComponent(pulumi.ComponentResource):
    """Deploys several services: in order where they depend on each other, side by side where not.

    Each service becomes a `Deployment` below the component, and begins once those that it comes `after` have succeeded.
    When one fails, nothing that comes after it begins; what has succeeded before stays deployed, since Pulumi never
    goes back to a resource that is done.

    Args:
        resource_name: The release's name in the stack; the deployments are called `<release>-<service>`.
        services: Of each service, by a name of your own, the inputs of its `Deployment`, and `after`: the names of the
            services here that have to run before.
        defaults: Inputs of all deployments; what a service says itself counts.
        opts: Pulumi's resource options.
    """

    deployment_class: ClassVar[Any]

    services: pulumi.Output[Mapping[str, Mapping[str, Any]]]
    """Of each service: deployment_id, version, image, duration_seconds, verdict, url."""
    summary: pulumi.Output[str]
    """The same as a table for people: service, version, image, duration, verdict."""

    def __init__(
        self,
        resource_name: str,
        *,
        services: Mapping[str, ReleasedService],
        defaults: DeploymentArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        told: dict[str, dict[str, Any]] = {name: dict(service) for name, service in services.items()}
        common: dict[str, Any] = dict(defaults or {})
        problem = problem_of(resource_name, told, DeploymentArgs.__annotations__, common)
        if problem:
            raise pulumi.RunError(problem)
        super().__init__(TOKEN, resource_name, None, opts)
        after = predecessors(told)
        self.deployments: dict[str, Any] = {}
        """Each service's `Deployment`."""
        for name in in_order(told):
            inputs = {**common, **told[name]}
            inputs.pop("after", None)
            here = pulumi.ResourceOptions(parent=self, depends_on=[self.deployments[one] for one in after[name]])
            self.deployments[name] = self.deployment_class(f"{resource_name}-{name}", **inputs, opts=here)
        self.services = pulumi.Output.all(**{name: _facts(self.deployments[name]) for name in told}).apply(
            lambda found: {name: _shown(facts) for name, facts in found.items()}
        )
        self.summary = self.services.apply(_summary)
        self.register_outputs({"services": self.services, "summary": self.summary})
        if not pulumi.runtime.is_dry_run():
            _tell(self, self.summary)


def _facts(deployment: Any) -> pulumi.Output[dict[str, Any]]:
    return pulumi.Output.all(**{name: getattr(deployment, name) for name in _FACTS})


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "deployment_id": facts["deployment_id"],
        "version": version_of(facts["version"], facts["commit_hash"]),
        "image": images_of(facts["running"] or ()),
        "duration_seconds": facts["duration_seconds"],
        "verdict": verdict(facts["status"], facts["health"]),
        "url": facts["url"],
    }


def _summary(services: Mapping[str, Mapping[str, Any]]) -> str:
    return table(
        [
            [name, facts["version"], facts["image"], _duration(facts["duration_seconds"]), facts["verdict"]]
            for name, facts in services.items()
        ]
    )


def _duration(seconds: float | None) -> str:
    return NOTHING if seconds is None else seconds_text(seconds)


def _tell(release: pulumi.Resource, summary: pulumi.Output[str]) -> None:
    """Show the table once all services are done; one with a secret in it stays in the outputs."""
    is_secret: pulumi.Output[bool] = pulumi.Output.from_input(pulumi.Output.is_secret(summary))

    def show(told: list[Any]) -> None:
        text, hidden = told
        if not hidden:
            pulumi.log.info(f"released:\n{text}", release)

    pulumi.Output.all(summary, is_secret).apply(show)
