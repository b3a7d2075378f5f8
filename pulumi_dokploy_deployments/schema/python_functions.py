"""The functions for Python programs, plain and for inputs that other resources give; and the package's public names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pulumi_dokploy_deployments.api import errors
from pulumi_dokploy_deployments.functions import filters, identity
from pulumi_dokploy_deployments.functions.arguments import ServerArguments
from pulumi_dokploy_deployments.functions.models import Result
from pulumi_dokploy_deployments.functions.table import FUNCTIONS, Function
from pulumi_dokploy_deployments.schema.fields import Field, Many, Record, fields_of
from pulumi_dokploy_deployments.schema.functions import argument_fields, positional_fields, python_fields
from pulumi_dokploy_deployments.schema.python_text import (
    GENERATED,
    bracketed,
    choices_of,
    docstring,
    from_import,
    input_type,
    literal,
    mapping,
    meaning,
    parameters,
    plain_type,
    source,
    standard_imports,
)
from pulumi_dokploy_deployments.schema.resources import RESOURCES, nested_models

PUBLIC_ERRORS: tuple[type[errors.DokployError], ...] = (
    errors.DokployError,
    errors.ConfigurationError,
    filters.InvalidArgument,
    identity.UnknownId,
    errors.ApiError,
    errors.AccessDenied,
    errors.Unauthorized,
    errors.ConnectionFailed,
)
"""The errors of functions that a program may want to catch by their class."""

RAISES = "DokployError: the call failed; the message is one paragraph that says why and what to do."


def functions_text() -> str:
    """`hosts/functions.py`."""
    fields = [field for function in FUNCTIONS.values() for field in python_fields(function)]
    lines = [
        GENERATED,
        '"""The functions for Python programs: plain ones, and twins for inputs that are outputs of resources.',
        "",
        "The plain ones work outside a Pulumi program too.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *standard_imports(fields),
        "",
        "import pulumi",
        "",
        *from_import("functions", ["table"]),
        *from_import("functions.models", {function.result.__name__ for function in FUNCTIONS.values()}),
        *from_import("hosts.asking", ["ask", "ask_output"]),
        *from_import("hosts.choices", [choice.enum.__name__ for choice in choices_of(fields)]),
    ]
    for function in FUNCTIONS.values():
        lines += ["", "", *_plain(function), "", "", *_twin(function)]
    return source(lines)


def _plain(function: Function[Any, Any]) -> list[str]:
    result = function.result.__name__
    return [
        *_signature(function, function.name, result, plain_type),
        *docstring(function.arguments.__doc__ or "", "    ", _meanings(function), RAISES),
        *_body(function, "ask"),
    ]


def _twin(function: Function[Any, Any]) -> list[str]:
    result = f"pulumi.Output[{function.result.__name__}]"
    text = (
        f"`{function.name}` for inputs that are outputs of resources.\n\nIt is called once they are known. While one "
        "is unknown, as in a preview, the result is unknown and the server is not asked. A secret input makes the "
        "result a secret."
    )
    return [
        *_signature(function, f"{function.name}_output", result, input_type),
        *docstring(text, "    ", _meanings(function), RAISES),
        *_body(function, "ask_output"),
    ]


def _signature(function: Function[Any, Any], name: str, result: str, type_of: Callable[[Field], str]) -> list[str]:
    first = positional_fields(function)
    named = [field for field in python_fields(function) if field not in first]
    return [
        f"def {name}(",
        *parameters(_typed(first, type_of), "    "),
        "    *,",
        *parameters(_typed(named, type_of), "    "),
        f") -> {result}:",
    ]


def _typed(fields: Iterable[Field], type_of: Callable[[Field], str]) -> list[tuple[Field, str, str | None]]:
    typed = []
    for field in fields:
        default = None if field.is_required else literal(field.default)
        text = type_of(field)
        if default not in (None, "None"):
            # An argument with a default of its own takes None for it as well, from outputs that may be None.
            text = text if text.endswith(" | None") else f"{text} | None"
        typed.append((field, text, default))
    return typed


def _body(function: Function[Any, Any], call: str) -> list[str]:
    return [
        f"    return {call}(",
        f"        table.{function.name.upper()},",
        "        {",
        *mapping(argument_fields(function), " " * 12),
        "        },",
        *(f"        {field.name}," for field in fields_of(ServerArguments)),
        "    )",
    ]


def _meanings(function: Function[Any, Any]) -> list[tuple[str, str]]:
    return [(field.name, meaning(field)) for field in python_fields(function)]


def result_classes() -> tuple[type[Result], ...]:
    """What the functions give, and what is in it."""
    found: dict[type[Result], None] = {}

    def add(model: type[Result]) -> None:
        found[model] = None
        for field in fields_of(model):
            for part in field.parts:
                if isinstance(part, Many) and isinstance(part.item, Record) and issubclass(part.item.model, Result):
                    add(part.item.model)

    for function in FUNCTIONS.values():
        add(function.result)
    return tuple(found)


def public_names() -> Mapping[str, str]:
    """Every public name of the package with the module that it comes from."""
    homes = {resource.name: "hosts.dynamic.resources" for resource in RESOURCES}
    homes |= {model.__name__: "hosts.nested_inputs" for model in nested_models()}
    homes |= {f"{name}{twin}": "hosts.functions" for name in FUNCTIONS for twin in ("", "_output")}
    homes |= {model.__name__: _home(model) for model in result_classes()}
    homes |= {error.__name__: _home(error) for error in PUBLIC_ERRORS}
    return dict(sorted(homes.items()))


def _home(kind: type) -> str:
    return kind.__module__.partition(".")[2]


def package_text() -> str:
    """The package's `__init__.py`."""
    homes = public_names()
    modules = sorted(set(homes.values()))
    by_module = {module: [name for name in homes if homes[name] == module] for module in modules}
    lines = [
        GENERATED,
        '"""Deploy to Dokploy from Pulumi programs.',
        "",
        "    import pulumi_dokploy_deployments as dokploy",
        "",
        '    dokploy.Deployment("web", application_id="…", triggers={"release": "1.4.2"})',
        "",
        "A name is imported when it is first used, so that the simulator and the command line start without pulumi.",
        '"""',
        "",
        "from importlib import import_module",
        "from typing import TYPE_CHECKING",
        "",
        "if TYPE_CHECKING:",
        *(line for module in modules for line in from_import(module, by_module[module], "    ")),
        "    from pulumi_dokploy_deployments.version import __version__ as __version__",
        "",
        "__all__ = [",
        *(f'    "{name}",' for name in sorted(homes)),
        "]",
        "",
        "_HOMES = {",
        *(f'    "{name}": "{homes[name]}",' for name in sorted(homes)),
        '    "__version__": "version",',
        "}",
        "",
        "",
        "def __getattr__(name: str) -> object:",
        "    if name not in _HOMES:",
        '        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")',
        '    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)',
        "",
        "",
        "def __dir__() -> list[str]:",
        "    return [*globals(), *__all__]",
    ]
    return source(lines)


def plugin_package_text() -> str:
    """`plugin.py`."""
    names = [resource.name for resource in RESOURCES]
    lines = [
        GENERATED,
        '"""The same resources on the provider plugin, for Python programs that have outgrown dynamic resources.',
        "",
        "    from pulumi_dokploy_deployments import plugin as dokploy",
        "",
        '    dokploy.Deployment("web", application_id="…", triggers={"release": "1.4.2"})',
        "",
        "Same classes and same arguments as in `pulumi_dokploy_deployments`, plus `Provider`.",
        '"""',
        "",
        *from_import("hosts.plugin.python_provider", ["Provider"]),
        *from_import("hosts.plugin.python_resources", names),
        "",
        *bracketed("__all__ = ", [literal(name) for name in sorted([*names, "Provider"])]),
    ]
    return source(lines)
