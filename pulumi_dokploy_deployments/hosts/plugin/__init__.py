"""The provider plugin `pulumi-resource-dokploy-deployments`: the same core for every Pulumi language."""
