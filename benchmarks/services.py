"""Makes services in a simulator, for what is measured over real sockets."""

from __future__ import annotations

import httpx

from pulumi_dokploy_deployments.simulator.process import RunningSimulator


def applications(simulator: RunningSimulator, count: int, build_seconds: float) -> list[str]:
    """Make so many applications that are built from git, whose builds may all run at once; gives their ids."""
    made: list[str] = []
    with httpx.Client(base_url=simulator.endpoint, headers={"x-api-key": simulator.api_key}, timeout=60.0) as client:

        def call(procedure: str, **given: object) -> httpx.Response:
            return client.post(f"/api/{procedure}", json=given).raise_for_status()

        call("settings.updateBuildsConcurrency", buildsConcurrency=count)
        for number in range(count):
            environment = simulator.ready["environment_id"]
            application = call("application.create", name=f"service-{number}", environmentId=environment).json()
            identity = str(application["applicationId"])
            call(
                "application.update",
                applicationId=identity,
                sourceType="git",
                customGitUrl="http://127.0.0.1/demo.git",
                customGitBranch="main",
                customGitBuildPath="/",
                buildType="dockerfile",
            )
            simulator.control("push_commit", service=identity, message=f"feat: service {number}")
            simulator.control("set_behaviour", service=identity, build_seconds=build_seconds)
            made.append(identity)
    return made
