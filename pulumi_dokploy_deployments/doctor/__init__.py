"""Finds out why a server can't be used, or not all of it: every finding names the cause and the fix."""
