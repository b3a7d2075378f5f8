"""Pulumi hosts: the only room that knows pulumi."""
