"""How options are declared: those of a model's inputs and arguments, and those that several commands have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pulumi_dokploy_deployments.cli import completing
from pulumi_dokploy_deployments.cli.option_text import OptionText
from pulumi_dokploy_deployments.cli.option_texts import DEPLOYMENT, ServiceKind
from pulumi_dokploy_deployments.cli.words import WORDS

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.services import ServiceRef

SERVICE = "Service"
REPEATED = "May be repeated."
NAMED_BY = "its name, <project>/<name>, its id, or the address of its page in the dashboard."
_NAME_AND_VALUE = re.compile(r"`([a-z]+(?:_[a-z]+)+): (\w+)`")
_NAME = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")


def option(
    of: OptionText,
    *names: str,
    more: str = "",
    panel: str | None = None,
    metavar: str | None = None,
    completed: completing.Complete | None = None,
) -> Any:
    """The option of a model's field, with its help, its bounds, and the default that the model has for it.

    The command itself gets None where nothing is given, and leaves the default to the model.

    Args:
        of: what the model says of the field.
        names: what it is called; by default as messages call it (`cli/words.py`).
        more: what is added to the help.
        panel: under which heading the help shows it.
        metavar: what the help shows for its value.
        completed: what Tab offers.
    """
    return typer.Option(
        *(names or (WORDS.input(of.name),)),
        help=f"{_in_options(of.meaning)} {more}".strip(),
        min=of.least,
        max=of.most,
        show_default=_shown(of.default),
        rich_help_panel=panel,
        metavar=metavar,
        autocompletion=completed,
    )


def _in_options(meaning: str) -> str:
    """A description with other fields' names as options."""
    told = _NAME_AND_VALUE.sub(lambda found: f"{WORDS.input(found[1])} {found[2]}", meaning)
    return _NAME.sub(lambda found: WORDS.input(found[1]), told).replace("`", "")


def _shown(default: str | float | bool | None) -> str | bool:
    if default is None or isinstance(default, bool):
        return False
    return f"{default:g}" if isinstance(default, float) else str(default)


def service_option(kind: ServiceKind) -> Any:
    """The option that names a service of a kind."""
    meaning = {ServiceKind.APPLICATION: "An application", ServiceKind.COMPOSE: "A compose"}
    return typer.Option(
        help=f"{meaning.get(kind, 'A database')}: {NAMED_BY}",
        metavar="SERVICE",
        show_default=False,
        rich_help_panel=SERVICE,
        autocompletion=completing.service_of(kind),
    )


def deployment_argument(meaning: str, *, only_running: bool = False) -> Any:
    """The argument that names a deployment, or one of those that run."""
    return typer.Argument(
        help=meaning, metavar="DEPLOYMENT", autocompletion=completing.deployment(only_running=only_running)
    )


@dataclass(frozen=True)
class ServiceOptions:
    """Stands for one option for each kind of service; `command` makes them, and the service of the one that is given.

    Args:
        kinds: the kinds that the command knows.
        is_required: whether naming none is an error.
    """

    kinds: tuple[ServiceKind, ...]
    is_required: bool = False

    def parameters(self) -> list[Parameter]:
        """The options, as the command line is to see them."""
        return [
            Parameter(
                kind.value,
                Parameter.KEYWORD_ONLY,
                annotation=Annotated[str | None, service_option(kind)],
                default=None,
            )
            for kind in self.kinds
        ]

    def taken_from(self, values: dict[str, Any]) -> dict[str, str | None]:
        """What was given, by the name of the kind; taken out of the command's values."""
        return {kind.value: values.pop(kind.value) for kind in self.kinds}

    def chosen(self, given: dict[str, str | None]) -> ServiceRef | None:
        """The service that is named.

        Raises:
            InvalidArgument: several are named, or none where one has to be.
        """
        # Imported here, so that --help and completion stay quick.
        from pulumi_dokploy_deployments.cli.selecting import one_service, the_service

        return the_service(**given) if self.is_required else one_service(**given)


VERSIONED = (ServiceKind.APPLICATION, ServiceKind.COMPOSE)
"""What has builds that wait in a queue and versions; databases have none."""

Application = Annotated[str | None, service_option(ServiceKind.APPLICATION)]
AnyService = Annotated["ServiceRef | None", ServiceOptions(tuple(ServiceKind))]
RequiredService = Annotated["ServiceRef", ServiceOptions(tuple(ServiceKind), is_required=True)]
VersionedService = Annotated["ServiceRef | None", ServiceOptions(VERSIONED)]
RequiredVersionedService = Annotated["ServiceRef", ServiceOptions(VERSIONED, is_required=True)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DeploymentId = Annotated[str, deployment_argument("The deployment's id, as `list` shows it.")]
Timeout = Annotated[float | None, option(DEPLOYMENT["timeout_seconds"], metavar="SECONDS")]
