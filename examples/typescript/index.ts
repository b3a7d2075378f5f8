// Deploys one Dokploy application from TypeScript and pins another one to an earlier version.
import * as pulumi from "@pulumi/pulumi";
import * as dokploy from "pulumi-dokploy-deployments";

const config = new pulumi.Config();

const web = new dokploy.Deployment(
    "web",
    {
        applicationId: config.require("applicationId"),
        triggers: { release: config.get("release") ?? "1" },
        waitFor: dokploy.WaitFor.Healthy,
    },
    { customTimeouts: { create: "20m", update: "20m" } },
);

const pin = new dokploy.RollbackTarget("pin", {
    applicationId: config.require("pinnedApplicationId"),
    previous: 1,
});

const history = dokploy.getApplicationDeploymentsOutput({ applicationId: web.applicationId.apply((id) => id!), limit: 3 });

export const deploymentId = web.deploymentId;
export const status = web.status;
export const health = web.health;
export const pinned = pin.version;
export const titles = history.deployments.apply((rows) => rows.map((row) => row.title));
