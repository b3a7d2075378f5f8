"""The longer texts of the schema: what the package, the provider and the resources do."""

from __future__ import annotations

from typing import Any

PACKAGE = (
    "Deploy to Dokploy from Pulumi programs: deployments that are waited for and verified, rollbacks pinned in code."
)

PROVIDER = (
    "A Dokploy server. The default provider takes its configuration from the stack (`dokploy-deployments:endpoint`, "
    "`dokploy-deployments:apiKey`) and from the environment; with explicit providers, one program deploys to several "
    "servers."
)

DEPLOYMENT = """
Deploys one Dokploy service and waits until the new version runs.

Creating the resource triggers one deployment. A change of the named image, branch or variables, of `triggers` or of
`method` triggers the next one in place; another service replaces the resource; a change of any other input is only
stored. When nothing has changed, nothing is sent.

The inputs that name the version (an image, a branch or tag, variables) are set on the service right before the
deployment. What someone else sets or deploys afterwards is seen by the next preview, and put right by the next update.

A deployment that fails keeps its partial state, and the next `pulumi up` continues from there: a deployment that is
still in progress is waited for, a failed one is deployed again.
"""

DEPLOYMENT_IMPORT = """
A deployment is imported by the service's kind and id and the deployment's id, all of which are in the addresses of
the dashboard's pages; `latest` stands for the newest deployment. Databases have no deployment ids.

```sh
pulumi import dokploy-deployments:index:Deployment web application/<applicationId>/<deploymentId>
pulumi import dokploy-deployments:index:Deployment web compose/<composeId>/latest
pulumi import dokploy-deployments:index:Deployment db postgres/<postgresId>
```

Importing sends nothing. The server knows no `triggers`: the first ones that the program gives afterwards are taken as
those of the imported deployment, and a change of them deploys.
"""

RELEASE = """
Deploys several Dokploy services as one: in order where they depend on each other, side by side where not.

A service begins once those that it comes `after` run. Only what has changed is deployed. When one service fails,
nothing more begins, and with `on_failure: rollback`, the default, the whole release goes back: the service that failed
and those that were deployed before it run again what ran before, which is verified, in reverse order. The update counts
as failed and says which service failed, why, and what runs of each.

A table at the end shows each service with its version, its image, how long it took, and what was proven.
"""

RELEASE_IMPORT = """
A release can't be imported: the server knows only its deployments. The first update deploys the services.
"""

ROLLBACK_TARGET = """
Pins a Dokploy service to an earlier version.

Creating the resource rolls back and verifies that the version runs; a changed selector moves the pin; `pulumi refresh`
checks whether the pin still holds, and the next `pulumi up` restores a pin that a later deployment undid; deleting the
resource releases it.
"""

ROLLBACK_TARGET_IMPORT = """
A pin is imported by the service's kind and id and the id of the stored version or of the deployment that is pinned.

```sh
pulumi import dokploy-deployments:index:RollbackTarget pin application/<applicationId>/<rollbackId>
```
"""

LANGUAGES: dict[str, Any] = {
    "csharp": {
        "rootNamespace": "PulumiDokploy",
        "namespaces": {"dokploy-deployments": "DokployDeployments"},
        "respectSchemaVersion": True,
    },
    "go": {
        "rootPackageName": "dokploydeployments",
        "generateResourceContainerTypes": True,
        "respectSchemaVersion": True,
    },
    # Without it the classes would be in com.pulumi, which is Pulumi's own.
    "java": {"basePackage": "pulumidokploy", "packages": {"dokploy-deployments": "deployments"}},
    "nodejs": {"packageName": "pulumi-dokploy-deployments", "respectSchemaVersion": True},
    "python": {
        "packageName": "pulumi_dokploy_deployments_sdk",
        "pyproject": {"enabled": True},
        "respectSchemaVersion": True,
    },
}
