"""Serves the provider when the engine takes this folder as a plugin (see PulumiPlugin.yaml)."""

from pulumi_dokploy_deployments.hosts.plugin.main import main

if __name__ == "__main__":
    main()
