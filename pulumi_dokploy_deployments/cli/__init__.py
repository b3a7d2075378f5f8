"""The command line. It knows nothing of pulumi, so that it starts quickly."""
