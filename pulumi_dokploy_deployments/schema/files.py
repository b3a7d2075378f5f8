"""Every generated file of the repository with the text that it should have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pulumi_dokploy_deployments.schema.option_texts import option_texts
from pulumi_dokploy_deployments.schema.package import schema_text
from pulumi_dokploy_deployments.schema.python_classes import (
    choices_text,
    dynamic_text,
    nested_inputs_text,
    plugin_text,
    provider_text,
)
from pulumi_dokploy_deployments.schema.python_functions import functions_text, package_text, plugin_package_text
from pulumi_dokploy_deployments.schema.tables import page_texts

PACKAGE_DIRECTORY = "pulumi_dokploy_deployments"


def generated_files(repository: Path) -> Mapping[str, str]:
    """The texts by their paths below the repository; the docs' pages keep what is written by hand around the tables."""
    return {
        "schema.json": schema_text(),
        f"{PACKAGE_DIRECTORY}/__init__.py": package_text(),
        f"{PACKAGE_DIRECTORY}/cli/option_texts.py": option_texts(),
        f"{PACKAGE_DIRECTORY}/hosts/choices.py": choices_text(),
        f"{PACKAGE_DIRECTORY}/hosts/functions.py": functions_text(),
        f"{PACKAGE_DIRECTORY}/hosts/nested_inputs.py": nested_inputs_text(),
        f"{PACKAGE_DIRECTORY}/hosts/dynamic/resources.py": dynamic_text(),
        f"{PACKAGE_DIRECTORY}/hosts/plugin/python_provider.py": provider_text(),
        f"{PACKAGE_DIRECTORY}/hosts/plugin/python_resources.py": plugin_text(),
        f"{PACKAGE_DIRECTORY}/plugin.py": plugin_package_text(),
        **page_texts(repository / "docs"),
    }
