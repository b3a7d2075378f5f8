"""Dokploy's HTTP surface in front of the world."""
