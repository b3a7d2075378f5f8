"""Releases one Dokploy application, and pins it to an earlier version while there is trouble.

Normal days: `pulumi config set release <commit>` and `pulumi up`.
Trouble: `pulumi config set pinPrevious 1` and `pulumi up` brings back what ran one successful deployment ago.
Fixed: `pulumi config rm pinPrevious`, `pulumi config set release <fixed commit>` and `pulumi up`.
"""

import pulumi

import pulumi_dokploy_deployments as dokploy

config = pulumi.Config()
application_id = config.require("applicationId")
pin_previous = config.get_int("pinPrevious")

web = dokploy.Deployment(
    "web",
    application_id=application_id,
    triggers={"release": config.get("release") or "1"},
)
pulumi.export("deployed", web.deployment_id)

if pin_previous is not None:
    # The pin depends on the deployment, so that it is applied after it and wins.
    pin = dokploy.RollbackTarget(
        "pin",
        application_id=application_id,
        previous=pin_previous,
        on_delete="redeploy",
        opts=pulumi.ResourceOptions(depends_on=[web]),
    )
    pulumi.export("pinnedVersion", pin.version)
    pulumi.export("pinnedCommit", pin.commit_hash)
    pulumi.export("image", pin.image)
    pulumi.export("holds", pin.holds)
