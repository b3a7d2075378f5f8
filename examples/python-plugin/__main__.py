"""Deploys one Dokploy application through the provider plugin, to a server of its own."""

import pulumi

from pulumi_dokploy_deployments import plugin as dokploy

config = pulumi.Config()

server = dokploy.Provider("server", endpoint=config.require("endpoint"), api_key=config.require_secret("apiKey"))

web = dokploy.Deployment(
    "web",
    application_id=config.require("applicationId"),
    triggers={"release": config.get("release") or "1"},
    opts=pulumi.ResourceOptions(provider=server, custom_timeouts=pulumi.CustomTimeouts(create="20m", update="20m")),
)

pulumi.export("deploymentId", web.deployment_id)
pulumi.export("status", web.status)
pulumi.export("health", web.health)
pulumi.export("url", web.url)
