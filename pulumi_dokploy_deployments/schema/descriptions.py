"""The longer texts of the schema: what the package, the provider and the resources are for."""

from __future__ import annotations

from typing import Any

PACKAGE = "Deploy to Dokploy from Pulumi programs: deployments that wait for the truth, and rollbacks pinned in code."

PROVIDER = (
    "A Dokploy server. The default provider takes its configuration from the stack (`dokploy-deployments:endpoint`, "
    "`dokploy-deployments:apiKey`) and from the environment; explicit providers make several servers possible in one "
    "program."
)

DEPLOYMENT = """A deployment trigger: creating it deploys one service and waits until the new version really runs.

A changed input that matters deploys again, in place; when nothing has changed, nothing is sent. A deployment that
fails keeps its partial state, and the next `pulumi up` goes on from there: what is still under way at the server is
waited for, what has failed is deployed again.

## Import

A deployment is imported by the service's kind and id and the deployment's id, all of which stand in the addresses of
the dashboard's pages; `latest` stands for the newest deployment. Databases have no deployment ids.

```sh
pulumi import dokploy-deployments:index:Deployment web application/<applicationId>/<deploymentId>
pulumi import dokploy-deployments:index:Deployment web compose/<composeId>/latest
pulumi import dokploy-deployments:index:Deployment db postgres/<postgresId>
```

Importing sends nothing. The server knows no `triggers`: the first ones that the program gives afterwards are taken as
those of the imported deployment, and a change of them deploys.
"""

ROLLBACK_TARGET = """A service pinned to an earlier version.

Creating it rolls back and proves that the version runs; a changed selector moves the pin; `pulumi refresh` finds out
whether the pin still holds, and the next `pulumi up` pins again what a later deployment undid; deleting releases it.

## Import

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
    "nodejs": {"packageName": "pulumi-dokploy-deployments", "respectSchemaVersion": True},
    "python": {
        "packageName": "pulumi_dokploy_deployments_sdk",
        "pyproject": {"enabled": True},
        "respectSchemaVersion": True,
    },
}
