"""The resources' classes for Python programs, one file for each host, and the names of their inputs' values."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pulumi_dokploy_deployments.functions.table import FUNCTIONS
from pulumi_dokploy_deployments.schema import descriptions, names
from pulumi_dokploy_deployments.schema.fields import Atom, Field, Records, fields_of
from pulumi_dokploy_deployments.schema.functions import python_fields
from pulumi_dokploy_deployments.schema.provider_model import ProviderInputs
from pulumi_dokploy_deployments.schema.python_text import (
    GENERATED,
    bracketed,
    choices_of,
    docstring,
    from_import,
    input_type,
    mapping,
    meaning,
    output_type,
    parameters,
    source,
    standard_imports,
)
from pulumi_dokploy_deployments.schema.resources import RESOURCES, Resource, nested_models

NAME = ("resource_name", "The resource's name in the stack.")
OPTS = ("opts", "Pulumi's resource options.")


def choices_text() -> str:
    """`hosts/choices.py`."""
    fields = [field for resource in RESOURCES for field in (*resource.input_fields, *resource.output_fields)]
    fields += [field for function in FUNCTIONS.values() for field in python_fields(function)]
    lines = [
        GENERATED,
        '"""The values of inputs and arguments, for signatures: editors offer them, type checkers hold to them."""',
        "",
        "from typing import Literal",
        "",
    ]
    for choice in sorted(choices_of(fields), key=lambda choice: choice.enum.__name__):
        values = [f'"{value}"' for value in choice.values]
        lines += bracketed(f"{choice.enum.__name__} = Literal", values)
    return source(lines)


def dynamic_text() -> str:
    """`hosts/dynamic/resources.py`."""
    fields = [field for resource in RESOURCES for field in (*resource.input_fields, *resource.output_fields)]
    lines = [
        GENERATED,
        '"""The resources\' classes as Python programs on dynamic resources use them."""',
        "",
        "from __future__ import annotations",
        "",
        *standard_imports(fields),
        "",
        "import pulumi",
        "from pulumi.dynamic import Resource",
        "",
        *from_import("hosts.choices", [choice.enum.__name__ for choice in choices_of(fields)]),
        *from_import("hosts.dynamic.declaring", ["declared", "with_secret_run"]),
        *from_import("hosts.dynamic.provider", [f"{resource.name}Provider" for resource in RESOURCES]),
        *from_import("hosts.nested_inputs", [model.__name__ for model in nested_models()]),
    ]
    for resource in RESOURCES:
        opts = "with_secret_run(opts)" if resource.keeps_inputs else "opts"
        lines += [
            "",
            "",
            f'class {resource.name}(Resource, module="dokploy", name="{resource.name}"):',
            *_class_docstring(resource),
            "",
            *_outputs(resource, lambda field: ""),
            *_init(resource.input_fields),
            f"        properties = declared({resource.name}, resource_name, inputs, opts)",
            f"        super().__init__({resource.name}Provider(), resource_name, properties, {opts})",
        ]
    return source(lines)


def plugin_text() -> str:
    """`hosts/plugin/python_resources.py`."""
    fields = [field for resource in RESOURCES for field in (*resource.input_fields, *resource.output_fields)]
    tokens = {resource.name: _token_name(resource) for resource in RESOURCES}
    lines = [
        GENERATED,
        '"""The resources\' classes as Python programs on the plugin use them."""',
        "",
        "from __future__ import annotations",
        "",
        *standard_imports(fields),
        "",
        "import pulumi",
        "",
        *from_import("hosts.choices", [choice.enum.__name__ for choice in choices_of(fields)]),
        *from_import("hosts.nested_inputs", [model.__name__ for model in nested_models()]),
        *from_import("hosts.plugin.python_connecting", ["with_provider"]),
        *from_import("hosts.plugin.python_names", ["looked_up", "output", "resource_inputs", "with_python_names"]),
        *from_import("schema.names", tokens.values()),
    ]
    for resource in RESOURCES:
        token = tokens[resource.name]
        lines += [
            "",
            "",
            f"class {resource.name}(pulumi.CustomResource):",
            *_class_docstring(resource),
            "",
            *_outputs(resource, lambda field: f' = output("{field.name}")'),
            *_init(resource.input_fields),
            f"        arguments = resource_inputs({resource.name}, inputs)",
            f"        super().__init__({token}, resource_name, arguments, with_provider(opts, connection))",
            *(
                f'        self.{field.name} = with_python_names("{field.name}", self.{field.name})'
                for field in resource.output_fields
                if any(isinstance(part, Records) for part in field.parts)
            ),
            *_get(resource),
        ]
    return source(lines)


def _get(resource: Resource) -> list[str]:
    """The method that looks a resource up, where it has an id to be found by."""
    if not resource.id_form:
        return []
    return [
        "",
        "    @staticmethod",
        "    def get(",
        "        resource_name: str,",
        "        id: pulumi.Input[str],  # noqa: A002",
        "        opts: pulumi.ResourceOptions | None = None,",
        f"    ) -> {resource.name}:",
        *docstring(
            "Look up a resource by its id, without managing it.",
            " " * 8,
            [NAME, ("id", f"{resource.id_form}."), OPTS],
        ),
        f"        return {resource.name}(resource_name, opts=looked_up(id, opts))",
    ]


def nested_inputs_text() -> str:
    """`hosts/nested_inputs.py`."""
    models = nested_models()
    fields = [field for model in models for field in fields_of(model)]
    lines = [
        GENERATED,
        '"""Maps of inputs within inputs, as types for editors and type checkers."""',
        "",
        "from __future__ import annotations",
        "",
        *standard_imports(fields, always=[("typing", "TypedDict")]),
        "",
        "import pulumi",
        "",
        *from_import("hosts.choices", [choice.enum.__name__ for choice in choices_of(fields)]),
    ]
    for model in models:
        lines += [
            "",
            "",
            f"class {model.__name__}(TypedDict, total=False):",
            *docstring(model.__doc__ or "", "    "),
            "",
        ]
        lines += [f"    {field.name}: {input_type(field)}" for field in fields_of(model)]
    return source(lines)


def provider_text() -> str:
    """`hosts/plugin/python_provider.py`."""
    fields = fields_of(ProviderInputs)
    made = {field.name: _configured(field) for field in fields}
    used = {call.partition("(")[0] for call in made.values() if "(" in call}
    lines = [
        GENERATED,
        '"""The class `Provider` as Python programs on the plugin use it."""',
        "",
        "from __future__ import annotations",
        "",
        "import pulumi",
        "",
        *from_import("hosts.choices", [choice.enum.__name__ for choice in choices_of(fields)]),
        *from_import("hosts.plugin.python_names", [*used, "typed_inputs"]),
        *from_import("schema.names", ["PACKAGE"]),
        "",
        "",
        "class Provider(pulumi.ProviderResource):",
        *docstring(
            descriptions.PROVIDER.replace(". ", ".\n\n", 1),
            "    ",
            [("resource_name", "The provider's name in the stack."), *_meanings(fields), OPTS],
        ),
        "",
        *_init(fields, made),
        "        super().__init__(PACKAGE, resource_name, typed_inputs(inputs), opts)",
    ]
    return source(lines)


def _class_docstring(resource: Resource) -> list[str]:
    return docstring(resource.description, "    ", [NAME, *_meanings(resource.input_fields), OPTS])


def _meanings(fields: Iterable[Field]) -> list[tuple[str, str]]:
    return [(field.name, meaning(field)) for field in fields]


def _outputs(resource: Resource, value: Callable[[Field], str]) -> list[str]:
    lines: list[str] = []
    for field in resource.output_fields:
        lines.append(f"    {field.name}: {output_type(field)}{value(field)}")
        lines += docstring(field.description, "    ")
    return [*lines, ""]


def _init(fields: Iterable[Field], values: dict[str, str] | None = None) -> list[str]:
    listed = list(fields)
    return [
        "    def __init__(",
        "        self,",
        "        resource_name: str,",
        "        *,",
        *parameters([(field, input_type(field), None if field.is_required else "None") for field in listed], " " * 8),
        "        opts: pulumi.ResourceOptions | None = None,",
        "    ) -> None:",
        "        inputs = {",
        *mapping(listed, " " * 12, values),
        "        }",
    ]


def _configured(field: Field) -> str:
    """How a provider's configuration travels: secrets as such, numbers as strings."""
    if field.is_secret:
        return f"secret({field.name})"
    if any(part.kind in (int, float) for part in field.parts if isinstance(part, Atom)):
        return f"number_as_string({field.name})"
    return field.name


def _token_name(resource: Resource) -> str:
    """The name of the constant for a resource's token in `schema/names.py`."""
    (name,) = [name for name, value in vars(names).items() if name.isupper() and value == resource.token]
    return name
