"""A Dokploy server that answers as measured, for tests and demonstrations."""
