"""Deploy to Dokploy from Pulumi programs."""
