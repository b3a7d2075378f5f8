"""Writes schema.json: python -m pulumi_dokploy_deployments.schema [PATH]."""

import sys
from pathlib import Path

from pulumi_dokploy_deployments.schema.package import schema_text

if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "schema.json").write_text(schema_text(), encoding="utf-8")
