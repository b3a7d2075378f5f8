"""How the two Pulumi hosts spell inputs, settings and commands in messages."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.text import Action, DeadlineSource, Setting, Vocabulary
from pulumi_dokploy_deployments.hosts.configuration import namespace_of
from pulumi_dokploy_deployments.schema.names import PACKAGE, camel

_KEYS = {Setting.ENDPOINT: "endpoint", Setting.API_KEY: "apiKey", Setting.HEADERS: "headers"}
_SECRETS = frozenset({Setting.API_KEY, Setting.HEADERS})
_FUNCTIONS = {
    Action.LIST_DEPLOYMENTS: "get_deployments_by_type",
    Action.SHOW_QUEUE: "get_deployment_queue",
    Action.LIST_CANDIDATES: "get_rollback_candidates",
}


class _PulumiWords(Vocabulary):
    """What both hosts have in common: the engine's commands, and the command line that is installed with them."""

    def action(self, action: Action, subject: str = "") -> str:
        """What the person does, as a clause without a capital or a full stop."""
        match action:
            case Action.RUN_AGAIN:
                return "run `pulumi up` again"
            case Action.DESTROY:
                return "run `pulumi destroy`"
            case Action.GIVE_UP:
                return f"run `pulumi state delete {subject or '<URN>'}`"
        said = super().action(action, subject)
        function = _FUNCTIONS.get(action)
        return said if function is None else f"{said} or `{self.function(function)}`"

    def function(self, name: str) -> str:
        """A function of the package by its name in the core."""
        return name


class PythonWords(_PulumiWords):
    """Dynamic resources and functions of Python programs: snake case, and the namespace `dokploy`."""

    def configured(self, setting: Setting, connection: str) -> str:
        """How a setting of a connection is given: a phrase that follows "set it with"."""
        return _in_stack_or_environment(namespace_of(connection), setting, super().configured(setting, connection))


class PluginWords(_PulumiWords):
    """The plugin, in every language: camel case, and the package's own namespace."""

    def input(self, name: str) -> str:
        """An input by its name in the core."""
        return camel(name)

    def function(self, name: str) -> str:
        """A function of the package by its name in the core."""
        return camel(name)

    def configured(self, setting: Setting, connection: str) -> str:
        """How a setting of a connection is given: a phrase that follows "set it with".

        The engine gives a plugin the namespace of its package alone, so a named connection comes from the environment
        or from the provider that stands for it.
        """
        variable = super().configured(setting, connection)
        if connection:
            return f"{variable}, or as {_KEYS[setting]} of a provider with connection {connection!r}"
        return _in_stack_or_environment(PACKAGE, setting, f"{variable} or {_KEYS[setting]} of an explicit provider")

    def deadline(self, source: DeadlineSource) -> str:
        """A limit as a noun that follows "raise"."""
        if source is DeadlineSource.RESOURCE_OPTION:
            return "the resource option customTimeouts"
        return super().deadline(source)


PYTHON = PythonWords()
PLUGIN = PluginWords()


def _in_stack_or_environment(namespace: str, setting: Setting, otherwise: str) -> str:
    secret = "--secret " if setting in _SECRETS else ""
    value = " https://dokploy.example.com" if setting is Setting.ENDPOINT else ""
    return f"`pulumi config set {secret}{namespace}:{_KEYS[setting]}{value}` (or {otherwise})"
