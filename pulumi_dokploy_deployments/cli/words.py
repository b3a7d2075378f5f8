"""How the command line spells inputs, settings and commands in messages: as options and commands of its own."""

from __future__ import annotations

from pulumi_dokploy_deployments.api.text import Action, DeadlineSource, Setting, Vocabulary

_SUFFIXES = ("_id", "_seconds")
_OWN_OPTIONS = {
    "api_key": "--api-key-file",
    "rollback_id": "--rollback-id",
    "stable_seconds": "--stable-seconds",
}
_OPTIONS = frozenset(
    {
        "application",
        "commit",
        "compose",
        "connection",
        "deployment",
        "description",
        "endpoint",
        "env",
        "environment",
        "expect-commit",
        "git-ref",
        "if-unproven",
        "image",
        "libsql",
        "limit",
        "mariadb",
        "method",
        "mongo",
        "mysql",
        "on-busy",
        "on-failure",
        "only-working",
        "postgres",
        "previous",
        "project",
        "redis",
        "server",
        "since",
        "state",
        "status",
        "tail",
        "timeout",
        "title",
        "type",
        "version",
        "wait-for",
    }
)


class CommandLineWords(Vocabulary):
    """`--timeout` for `timeout_seconds`, and "run the same command again"."""

    def input(self, name: str) -> str:
        """An input as its option; one that no command takes keeps its name in words."""
        if name in _OWN_OPTIONS:
            return _OWN_OPTIONS[name]
        bare = name
        for suffix in _SUFFIXES:
            bare = bare.removesuffix(suffix)
        option = bare.replace("_", "-")
        return f"--{option}" if option in _OPTIONS else name.replace("_", " ")

    def configured(self, setting: Setting, connection: str) -> str:
        """How a setting of a connection is given: a phrase that follows "set it with"."""
        variable = super().configured(setting, connection)
        if setting is Setting.HEADERS:
            return variable
        return f"{variable} or the option {'--api-key-file' if setting is Setting.API_KEY else '--endpoint'}"

    def deadline(self, source: DeadlineSource) -> str:
        """A limit as a noun that follows "raise"; a command has one."""
        return self.input("timeout_seconds")

    def action(self, action: Action, subject: str = "") -> str:
        """What the person does, as a clause without a capital or a full stop."""
        return "run the same command again" if action is Action.RUN_AGAIN else super().action(action, subject)


WORDS = CommandLineWords()
