"""Releases several Dokploy services together, in order where they depend on each other."""

import pulumi

import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()

shop = dokploy.Release(
    "shop",
    services={
        "database": {"postgres_id": config.require("database")},
        "api": {
            "application_id": config.require("api"),
            "image": config.require("apiImage"),
            "after": ["database"],
        },
        "worker": {
            "compose_id": config.require("worker"),
            "env": {"TAG": config.require("tag")},
            "after": ["database"],
        },
    },
)

pulumi.export("summary", shop.summary)
pulumi.export("api", shop.deployments["api"]["url"])
