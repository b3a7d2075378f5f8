"""Stands in front of the real pip in the commands of the engine tests; see `__main__`."""
