"""How the two Pulumi hosts spell inputs, settings and commands in messages."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.text import Action, Vocabulary
from pulumi_dokploy_deployments.schema.names import camel


class PythonWords(Vocabulary):
    """Dynamic resources and functions of Python programs: snake case."""

    def action(self, action: Action) -> str:
        """What the person does, as a clause without a capital or a full stop."""
        return "run `pulumi up` again" if action is Action.RUN_AGAIN else super().action(action)


class PluginWords(PythonWords):
    """The plugin, in every language: camel case."""

    def input(self, name: str) -> str:
        """An input by its name in the core."""
        return camel(name)


PYTHON = PythonWords()
PLUGIN = PluginWords()
