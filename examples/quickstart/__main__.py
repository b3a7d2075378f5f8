"""Deploys one Dokploy application and waits until its new version really runs."""

import pulumi

import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()
application_id = config.require("applicationId")

web = dokploy.Deployment(
    "web",
    application_id=application_id,
    triggers={"release": config.get("release") or "1"},
)

pulumi.export("deploymentId", web.deployment_id)
pulumi.export("status", web.status)
pulumi.export("health", web.health)
pulumi.export("commit", web.commit_hash)
pulumi.export("seconds", web.duration_seconds)
pulumi.export("url", web.url)

# `pulumi config set pinPrevious 1` goes back to what ran one deployment ago, and stays there.
pin_previous = config.get_int("pinPrevious")
if pin_previous is not None:
    pin = dokploy.RollbackTarget(
        "pin",
        application_id=application_id,
        previous=pin_previous,
        opts=pulumi.ResourceOptions(depends_on=[web]),
    )
    pulumi.export("pinnedVersion", pin.version)
    pulumi.export("pinHolds", pin.holds)
