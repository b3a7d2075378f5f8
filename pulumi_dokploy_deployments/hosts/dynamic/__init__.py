"""Host 1: Pulumi dynamic resources, nothing to install beside the package."""
