"""Serves the provider: python -m pulumi_dokploy_deployments.hosts.plugin ADDRESS."""

from pulumi_dokploy_deployments.hosts.plugin.main import main

if __name__ == "__main__":
    main()
