// Deploys one Dokploy application from Go and waits until its new version really runs.
package main

import (
	dokploy "example.com/pulumi-dokploy-deployments/sdk/go/dokploydeployments"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(deploy)
}

func deploy(ctx *pulumi.Context) error {
	cfg := config.New(ctx, "")
	applicationID := cfg.Require("applicationId")

	web, err := dokploy.NewDeployment(ctx, "web", &dokploy.DeploymentArgs{
		ApplicationId: pulumi.String(applicationID),
		Triggers:      pulumi.Map{"release": pulumi.String(cfg.Require("release"))},
		WaitFor:       dokploy.WaitForHealthy,
	}, pulumi.Timeouts(&pulumi.CustomTimeouts{Create: "20m", Update: "20m"}))
	if err != nil {
		return err
	}

	// Asked for through the resource, so that it is read after the deployment.
	history := dokploy.GetApplicationDeploymentsOutput(ctx, dokploy.GetApplicationDeploymentsOutputArgs{
		ApplicationId: web.ApplicationId.Elem(),
		Limit:         pulumi.Int(3),
	})

	ctx.Export("deploymentId", web.DeploymentId)
	ctx.Export("status", web.Status)
	ctx.Export("health", web.Health)
	ctx.Export("url", web.Url)
	ctx.Export("history", history.Deployments())

	// `pulumi config set pinPrevious 1` goes back to what ran one deployment ago, and stays there.
	if previous := cfg.GetInt("pinPrevious"); previous > 0 {
		pin, err := dokploy.NewRollbackTarget(ctx, "pin", &dokploy.RollbackTargetArgs{
			ApplicationId: pulumi.String(applicationID),
			Previous:      pulumi.Int(previous),
		}, pulumi.DependsOn([]pulumi.Resource{web}))
		if err != nil {
			return err
		}
		ctx.Export("pinnedVersion", pin.Version)
		ctx.Export("pinHolds", pin.Holds)
	}
	return nil
}
