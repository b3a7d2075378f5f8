"""Writes every generated file of a checkout: python -m pulumi_dokploy_deployments.schema."""

import sys
from pathlib import Path

from pulumi_dokploy_deployments.schema.files import generated_files


def main(repository: Path) -> None:
    """Write the files whose text has changed, and name them."""
    for name, text in generated_files(repository).items():
        path = repository / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}: rewritten\n")


if __name__ == "__main__":
    main(Path(__file__).parents[2])
