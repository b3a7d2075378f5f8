package example;

import com.pulumi.Context;
import com.pulumi.Pulumi;
import com.pulumi.resources.CustomResourceOptions;
import com.pulumi.resources.CustomTimeouts;
import java.time.Duration;
import java.util.Map;
import pulumidokploy.deployments.Deployment;
import pulumidokploy.deployments.DeploymentArgs;
import pulumidokploy.deployments.RollbackTarget;
import pulumidokploy.deployments.RollbackTargetArgs;
import pulumidokploy.deployments.enums.WaitFor;

/** Deploys one Dokploy application from Java and waits until its new version really runs. */
public class App {
    public static void main(String[] args) {
        Pulumi.run(App::deploy);
    }

    private static void deploy(Context ctx) {
        var config = ctx.config();
        var applicationId = config.require("applicationId");

        var web = new Deployment("web",
            DeploymentArgs.builder()
                .applicationId(applicationId)
                .triggers(Map.of("release", config.require("release")))
                .waitFor(WaitFor.Healthy)
                .build(),
            CustomResourceOptions.builder()
                .customTimeouts(CustomTimeouts.builder()
                    .create(Duration.ofMinutes(20))
                    .update(Duration.ofMinutes(20))
                    .build())
                .build());

        ctx.export("deploymentId", web.deploymentId());
        ctx.export("status", web.status());
        ctx.export("health", web.health());
        ctx.export("url", web.url());

        // `pulumi config set pinPrevious 1` goes back to what ran one deployment ago, and stays there.
        config.getInteger("pinPrevious").ifPresent(previous -> {
            var pin = new RollbackTarget("pin",
                RollbackTargetArgs.builder().applicationId(applicationId).previous(previous).build(),
                CustomResourceOptions.builder().dependsOn(web).build());
            ctx.export("pinnedVersion", pin.version());
            ctx.export("pinHolds", pin.holds());
        });
    }
}
