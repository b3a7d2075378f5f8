"""What every command has in common: the options for server and output, and the place where errors end."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, NoReturn, ParamSpec

import typer

from pulumi_dokploy_deployments.cli import completing
from pulumi_dokploy_deployments.cli.exit_codes import ExitCode
from pulumi_dokploy_deployments.cli.options import ServiceOptions
from pulumi_dokploy_deployments.cli.start import tell_interrupted
from pulumi_dokploy_deployments.loading import loading

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.api.errors import DokployError
    from pulumi_dokploy_deployments.cli.session import Session

P = ParamSpec("P")
PANEL = "Server and output"

_COMMON: dict[str, tuple[Any, Any]] = {
    "endpoint": (
        Annotated[
            str | None,
            typer.Option(
                help="The server's address. Else DOKPLOY_ENDPOINT (or DOKPLOY_URL) is used.",
                rich_help_panel=PANEL,
                metavar="URL",
            ),
        ],
        None,
    ),
    "api_key_file": (
        Annotated[
            Path | None,
            typer.Option(
                help="A file that holds the API key, - for standard input. Else DOKPLOY_API_KEY is used, else it is "
                "asked for. It can't be given as an argument, where every user of the machine could read it.",
                rich_help_panel=PANEL,
                metavar="FILE",
            ),
        ],
        None,
    ),
    "connection": (
        Annotated[
            str | None,
            typer.Option(
                help="The name of another server: DOKPLOY_<NAME>_ENDPOINT and DOKPLOY_<NAME>_API_KEY are used.",
                rich_help_panel=PANEL,
                metavar="NAME",
                autocompletion=completing.connection(),
            ),
        ],
        None,
    ),
    "as_json": (
        Annotated[
            bool,
            typer.Option("--json", help="JSON on standard output, for scripts.", rich_help_panel=PANEL),
        ],
        False,
    ),
}


def command(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Give a command the common options and a session as its first argument, and turn errors into exit codes."""
    # The session's own class is not imported for that: --help would wait for it.
    own = inspect.signature(function, eval_str=True, locals={"Session": object})
    run: Callable[..., None] = function
    parameters: list[inspect.Parameter] = []
    named: dict[str, ServiceOptions] = {}
    for parameter in list(own.parameters.values())[1:]:
        options = _service_options(parameter)
        if options is None:
            parameters.append(parameter)
        else:
            named[parameter.name] = options
            parameters += options.parameters()
    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in _COMMON.items()
    ]

    @wraps(function)
    def wrapper(**values: Any) -> None:
        is_json = values.pop("as_json")
        try:
            # Imported here, so that --help and completion stay quick.
            with loading():
                from pulumi_dokploy_deployments.cli.session import Session

            session = Session(
                is_json=is_json,
                endpoint=values.pop("endpoint"),
                api_key_file=values.pop("api_key_file"),
                connection_name=values.pop("connection"),
            )
            given = {name: options.taken_from(values) for name, options in named.items()}

            def begin() -> None:
                run(session, **values, **{name: named[name].chosen(each) for name, each in given.items()})

            _guarded(session, begin)
        except KeyboardInterrupt:
            # Ctrl-C while the libraries were loaded.
            raise typer.Exit(tell_interrupted(is_json=is_json)) from None

    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    wrapper.__signature__ = inspect.Signature(keyword_only + common)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in keyword_only + common}
    del wrapper.__wrapped__
    return wrapper


def _service_options(parameter: inspect.Parameter) -> ServiceOptions | None:
    found = getattr(parameter.annotation, "__metadata__", ())
    return next((each for each in found if isinstance(each, ServiceOptions)), None)


def _guarded(session: Session, run: Callable[[], None]) -> None:
    from pulumi_dokploy_deployments.api.errors import DokployError

    try:
        run()
    except DokployError as error:
        _end_with(session, error)
    except (KeyboardInterrupt, typer.Abort):
        text = f"Interrupted. {session.goes_on}" if session.goes_on else "Interrupted."
        if session.is_json and (session.streams or not session.has_written):
            told = {"type": "Interrupted", "message": text, "exit_code": int(ExitCode.INTERRUPTED)}
            session.json({"error": told})
        session.err.print(text, style="yellow", soft_wrap=True)
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _end_with(session: Session, error: DokployError) -> NoReturn:
    from pulumi_dokploy_deployments.cli.errors import exit_code_of, told_as_json, words_of

    code = exit_code_of(error)
    if session.is_json:
        session.json({"error": told_as_json(error)})
    session.err.print(session.redactor.text(words_of(error)), style="red", soft_wrap=True)
    raise typer.Exit(code)
