"""The simulated Dokploy without any I/O: state, time and chance."""

from .world import World

__all__ = ["World"]
