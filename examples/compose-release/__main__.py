"""Releases a Dokploy compose by the tag that its file takes from a variable."""

import pulumi

import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()

variables: dict[str, pulumi.Input[str]] = {"TAG": config.require("tag")}
token = config.get_secret("apiToken")
if token is not None:
    variables["API_TOKEN"] = token

shop = dokploy.Deployment(
    "shop",
    compose_id=config.require("compose"),
    env=variables,
    on_failure="rollback",
)

pulumi.export("status", shop.status)
pulumi.export("health", shop.health)
pulumi.export("url", shop.url)
