// Deploys one Dokploy application from TypeScript and waits until its new version really runs.
import * as pulumi from "@pulumi/pulumi";
import * as dokploy from "pulumi-dokploy-deployments";

const config = new pulumi.Config();
const applicationId = config.require("applicationId");

const web = new dokploy.Deployment(
    "web",
    {
        applicationId,
        triggers: { release: config.require("release") },
        waitFor: dokploy.WaitFor.Healthy,
    },
    { customTimeouts: { create: "20m", update: "20m" } },
);

// Asked for through the resource, so that it is read after the deployment.
const history = dokploy.getApplicationDeploymentsOutput({ applicationId: web.applicationId.apply((id) => id!), limit: 3 });

// `pulumi config set pinPrevious 1` goes back to what ran one deployment ago, and stays there.
const previous = config.getNumber("pinPrevious");
let pin: dokploy.RollbackTarget | undefined;
if (previous !== undefined) {
    pin = new dokploy.RollbackTarget("pin", { applicationId, previous }, { dependsOn: [web] });
}

export const deploymentId = web.deploymentId;
export const status = web.status;
export const health = web.health;
export const url = web.url;
export const titles = history.deployments.apply((rows) => rows.map((row) => row.title));
export const pinnedVersion = pin?.version;
export const pinHolds = pin?.holds;
