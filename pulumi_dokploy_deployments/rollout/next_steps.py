"""What to do about each kind of failed build, and about each reason why a new version does not run."""

from __future__ import annotations

from collections.abc import Mapping

from pulumi_dokploy_deployments.api.errors import Step
from pulumi_dokploy_deployments.api.text import Action, Text, joined
from pulumi_dokploy_deployments.rollout.telling_line import FailureKind
from pulumi_dokploy_deployments.workload.verdict import NextStep

AGAIN: Text = (", then ", Action.RUN_AGAIN, ".")
"""The end of a next step after which the deployment is to be made again."""

NEXT_STEPS: Mapping[FailureKind, tuple[Text, Step]] = {
    FailureKind.COMMAND: (joined("Fix the error shown in the log", AGAIN), Step.FIX_AND_RUN_AGAIN),
    FailureKind.OUT_OF_MEMORY: (
        joined("Give the server more memory or swap, or make the build use less", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.DISK_FULL: (
        joined("Free disk space on the server, by removing unused images for instance", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.IMAGE_MISSING: (
        joined("Check the image's name and tag, and that it has been pushed", AGAIN),
        Step.FIX_AND_RUN_AGAIN,
    ),
    FailureKind.REGISTRY_ACCESS: (
        joined("Check the image's name and the registry's credentials in the service's settings", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.REGISTRY_LIMIT: (
        joined("Wait until the registry's limit resets, or log the server in to the registry", AGAIN),
        Step.WAIT,
    ),
    FailureKind.BRANCH_MISSING: (
        joined("Push the branch, or change the branch in the service's settings", AGAIN),
        Step.FIX_AND_RUN_AGAIN,
    ),
    FailureKind.REPOSITORY_MISSING: (
        joined("Check the repository's address in the service's settings and that Dokploy may read it", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.GIT_ACCESS: (
        joined("Check the git provider's credentials or the SSH key in the service's settings", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.GIT: (joined("Fix the error of git shown in the log", AGAIN), Step.FIX_AND_RUN_AGAIN),
    FailureKind.NETWORK: (
        joined("Check that the Dokploy server can reach that address", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.COMPOSE_FILE: (joined("Fix the compose file", AGAIN), Step.FIX_AND_RUN_AGAIN),
    FailureKind.DOCKERFILE: (
        joined("Fix the Dockerfile, or its path in the service's build settings", AGAIN),
        Step.FIX_AND_RUN_AGAIN,
    ),
    FailureKind.FILE_MISSING: (
        joined("Check that the file is in the repository, inside the build context, and not in .dockerignore", AGAIN),
        Step.FIX_AND_RUN_AGAIN,
    ),
    FailureKind.NO_BUILD_PLAN: (
        joined("Check the build path and the build type in the service's settings, or add a Dockerfile", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.PORT_TAKEN: (
        joined("Choose another published port, or stop what uses it on the server", AGAIN),
        Step.CHANGE_SERVER,
    ),
    FailureKind.OTHER: (joined("Fix the error shown in the log", AGAIN), Step.FIX_AND_RUN_AGAIN),
}
"""The next step, as a text and as a kind, for each kind of failure."""

RUNNING_STEPS: Mapping[NextStep, tuple[Text, Step]] = {
    NextStep.NONE: (
        joined("Check on the service's page what runs", AGAIN),
        Step.FIX_AND_RUN_AGAIN,
    ),
    NextStep.PLACEMENT: (
        joined("Check the service's placement constraints and reserved resources against the swarm's nodes", AGAIN),
        Step.CHANGE_SERVER,
    ),
    NextStep.PORT: (
        joined("Choose another published port, or stop what uses it on the server", AGAIN),
        Step.CHANGE_SERVER,
    ),
    NextStep.IMAGE: (
        joined("Check that the image exists and that the server can pull it", AGAIN),
        Step.FIX_AND_RUN_AGAIN,
    ),
    NextStep.HEALTH_CHECK: (
        joined("Fix what the health check reports, or the health check itself", AGAIN),
        Step.FIX_AND_RUN_AGAIN,
    ),
    NextStep.EXIT_CODE: (joined("Fix why the process exits", AGAIN), Step.FIX_AND_RUN_AGAIN),
    NextStep.OUT_OF_MEMORY: (
        joined("Raise the service's memory limit, or make it use less memory", AGAIN),
        Step.CHANGE_SERVER,
    ),
    NextStep.RESTART_POLICY: (
        joined(
            "Keep the process running, or set a restart policy that leaves a process alone that exits with 0", AGAIN
        ),
        Step.CHANGE_SERVER,
    ),
}
"""The same for each reason why what was deployed does not run."""
