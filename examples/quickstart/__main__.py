"""Deploys one Dokploy application and waits until its new version really runs."""

import pulumi

import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()

web = dokploy.Deployment(
    "web",
    application_id=config.require("applicationId"),
    triggers={"release": config.get("release") or "1"},
)

pulumi.export("deploymentId", web.deployment_id)
pulumi.export("status", web.status)
pulumi.export("health", web.health)
pulumi.export("commit", web.commit_hash)
pulumi.export("seconds", web.duration_seconds)
pulumi.export("url", web.url)
