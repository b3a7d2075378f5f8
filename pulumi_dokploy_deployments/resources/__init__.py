"""The life cycle of the resources as engine-free functions."""
