"""Which changes of a module are worth a try: cosmic-ray's operators and two more, without those that change nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import cosmic_ray.plugins
import parso
import parso.python.tree
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

LEFT_OUT = ("core/RemoveDecorator", "core/VariableReplacer", "core/VariableInserter")
"""Without its decorator hardly any module can be imported; the other two write names at random."""
TO_IDENTITY = ("_Is", "_IsNot")
FROM_IDENTITY = tuple(f"_{way}_{to}" for way in ("Is", "IsNot") for to in ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"))
"""Members of an enum are the same objects, so that `==` in place of `is`, or the other way, changes nothing there; and
what is asked for by identity has no order: `<` fails with a `TypeError` or tells which name comes first."""

FUNCTIONS = ("funcdef", "lambdef")


class Operator(Protocol):
    """What cosmic-ray calls an operator: where it could change a node, and the change."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """The places in a node."""

    def mutate(self, node: Any, index: int) -> Any:
        """The changed node."""


class ReturnNothing:
    """`return value` becomes `return None`; `False` is left, which means the same to who asks."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Each return of a value that is not nothing already."""
        if node.type == "return_stmt" and node.children[1].get_code().strip() not in ("None", "False"):
            yield (node.start_pos, node.end_pos)

    def mutate(self, node: Any, index: int) -> Any:
        """The return without its value."""
        node.children[1] = parso.parse(" None")
        return node


class LeaveOut:
    """A call or an assignment that stands by itself becomes `pass`."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        """Each such statement inside a function, docstrings and mere annotations aside."""
        if node.type != "simple_stmt" or not _around(node, *FUNCTIONS):
            return
        statement = node.children[0]
        if statement.type not in ("expr_stmt", "atom_expr", "await_expr") or "yield" in statement.get_code():
            return
        annotated = next((child for child in statement.children if child.type == "annassign"), None)
        if annotated is None or "=" in annotated.children:
            yield (statement.start_pos, statement.end_pos)

    def mutate(self, node: Any, index: int) -> Any:
        """The statement left out."""
        statement = node.children[0]
        prefix = statement.get_first_leaf().prefix
        node.children[0] = parso.python.tree.Keyword("pass", statement.start_pos, prefix=prefix)
        return node


@dataclass(frozen=True)
class Place:
    """Where a module can be changed, and the ways."""

    module: str
    """Its path in the package, without ending: `rollout/mark`."""
    line: int
    column: int
    ways: tuple[tuple[str, int], ...]
    """Names of operators, each with the number of the occurrence in the module."""


@dataclass(frozen=True)
class Mutation:
    """One change of one module."""

    module: str
    line: int
    operator: str
    code: str
    """The whole module with the change in it."""
    was: str
    """The lines that the change took away, without the space around them."""
    now: str
    """The lines that stand in their place."""
    lines: tuple[int, ...]
    """Where the changed statement stands; of one with a body, its head."""


def places_of(module: str, source: str) -> list[Place]:
    """Every place of a module where a change could make a difference when it runs.

    Numbers that are constants of the module are left as they are: a test that repeats them would prove nothing.
    Decorators and the markers in a list of parameters are no decisions, and annotations are not evaluated.
    """
    nodes = list(ast_nodes(get_ast(source)))
    annotations = _annotations(source)
    ways: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for name, operator in OPERATORS.items():
        found = [(node, start) for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (node, place) in enumerate(found):
            is_constant = name == "NumberReplacer" and not _around(node, *FUNCTIONS)
            is_annotation = any(begin <= place < end for begin, end in annotations)
            is_marker = node.type in ("operator", "parameters", "param") and _around(node, "parameters")
            if not is_constant and not is_annotation and not is_marker and not _around(node, "decorator"):
                ways.setdefault(place, []).append((name, occurrence))
    return [Place(module, *place, tuple(found)) for place, found in sorted(ways.items())]


def mutation_at(place: Place, way: tuple[str, int], source: str) -> Mutation | None:
    """One change; None where Python reads it as it was, or not at all."""
    name, occurrence = way
    code = mutate_code(source, OPERATORS[name], occurrence)
    if code is None:
        return None
    tree = ast.parse(source)
    try:
        if ast.dump(ast.parse(code)) == ast.dump(tree):
            return None
    except SyntaxError:
        return None
    lines = tuple(_statement_around(place.line, tree))
    return Mutation(place.module, place.line, name, code, *_difference(source, code), lines)


def _operators() -> dict[str, Operator]:
    operators: dict[str, Operator] = {"ReturnNothing": ReturnNothing(), "LeaveOut": LeaveOut()}
    for name in sorted(cosmic_ray.plugins.operator_names()):
        # `is` to `is not` is a change like any other.
        to_identity = name.endswith(TO_IDENTITY) and "_Is_" not in name and "_IsNot_" not in name
        if name in LEFT_OUT or name.endswith(FROM_IDENTITY) or to_identity:
            continue
        operators[name.rpartition("/")[2]] = cosmic_ray.plugins.get_operator(name)()
    return operators


OPERATORS = _operators()


def _around(node: Any, *types: str) -> bool:
    while node is not None and node.type not in types:
        node = node.parent
    return node is not None


def _annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations begin and end."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
    return [
        ((each.lineno, each.col_offset), (each.end_lineno or each.lineno, each.end_col_offset or 0))
        for each in found
        if each is not None
    ]


def _statement_around(line: int, tree: ast.Module) -> range:
    """The lines of the innermost statement; all of them where one stands between the bodies of another."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    if not around:
        return range(line, line + 1)
    innermost = max(around, key=lambda node: node.lineno)
    first, last = innermost.lineno, innermost.end_lineno or innermost.lineno
    body = getattr(innermost, "body", None)
    if body and line < body[0].lineno:
        last = max(first, body[0].lineno - 1)
    return range(first, last + 1)


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines that differ: all between the first and the last of them."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return "\n".join(line.strip() for line in old), "\n".join(line.strip() for line in new)
