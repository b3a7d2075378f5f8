"""Releases a docker image on a Dokploy application and proves that it is what runs."""

import pulumi

import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()

web = dokploy.Deployment(
    "web",
    application_id=config.require("application"),
    image=config.require("image"),
    on_failure="rollback",
)

pulumi.export("status", web.status)
pulumi.export("health", web.health)
pulumi.export("seconds", web.duration_seconds)
pulumi.export("url", web.url)
