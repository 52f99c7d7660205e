"""The places of a module's functions that can be changed, and how.

Left out is what no test should ask about: logs, metrics, annotations, decorators, default values,
texts, and values that are computed when the module is imported; but not the SQL among them.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.mutation.statements import change_statement, is_statement

Path = tuple[tuple[str, int | None], ...]
Change = tuple[str, ast.AST]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
# Calls on a queryset without which it has more rows, or others.
_NARROWING = frozenset(
    {"filter", "exclude", "active", "live", "open", "of", "owned_by", "pending", "visible_to"}
)
# Fields without which nothing behaves otherwise: they choose how rows are loaded.
_LOADING = frozenset(
    {"batch_size", "savepoint", "no_key", "flat", "update_fields", "force_insert", "strict"}
)
_UNTESTED_NAMES = frozenset({"logger", "logging", "warnings"})
_METRIC_CALLS = frozenset({"observe", "inc", "dec", "time"})
_UNTESTED_FUNCTIONS = frozenset({"__str__", "__repr__"})


@dataclass(frozen=True)
class Mutant:
    """A module with one change; `lines` are those whose running may show it.

    Of SQL, `statement` is the name that it has in the module, and what it is now.
    """

    line: int
    lines: frozenset[int]
    change: str
    tree: ast.Module
    statement: tuple[str, str] | None = None


def find_mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its text."""
    tree = ast.parse(source)
    yield from _mutants_of_statements(tree)
    for path, node in _walk_functions(tree):
        for change, replacement in _changes(node):
            first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
            yield Mutant(
                first,
                frozenset(range(first, last + 1)),
                f"{_shorten(node)}  →  {change or _shorten(replacement)}",
                _replaced(tree, path, replacement),
            )


def _mutants_of_statements(tree: ast.Module) -> Iterator[Mutant]:
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(name)], ast.Constant(str(text))) if is_statement(text):
                for change, statement in change_statement(text):
                    lines = frozenset(_lines_with(tree, name))
                    yield Mutant(node.lineno, lines, change, tree, (name, statement))


def _lines_with(tree: ast.Module, name: str) -> Iterator[int]:
    """Yield the lines of functions that use a name of their module."""
    for _, node in _walk_functions(tree):
        if isinstance(node, ast.Name) and node.id == name:
            yield node.lineno


def _walk_functions(tree: ast.Module) -> Iterator[tuple[Path, ast.AST]]:
    """Yield what stands in the bodies of functions, with the way to it."""
    for path, node in _children(tree, ()):
        if isinstance(node, ast.ClassDef):
            yield from _walk_class(path, node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk_function(path, node)


def _walk_class(path: Path, node: ast.ClassDef) -> Iterator[tuple[Path, ast.AST]]:
    for inner, child in _children(node, path):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _walk_function(inner, child)
        elif isinstance(child, ast.ClassDef):
            yield from _walk_class(inner, child)


def _walk_function(
    path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[tuple[Path, ast.AST]]:
    if node.name in _UNTESTED_FUNCTIONS:
        return
    for index, statement in enumerate(node.body):
        yield from _walk((*path, ("body", index)), statement)


def _walk(path: Path, node: ast.AST) -> Iterator[tuple[Path, ast.AST]]:
    if _is_untested(node):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from _walk_function(path, node)
        return
    yield path, node
    for inner, child in _children(node, path):
        if inner[-1][0] not in {"annotation", "returns", "type", "ctx"}:
            yield from _walk(inner, child)


def _is_untested(node: ast.AST) -> bool:
    """Tell whether a statement or call is a text, a log, a metric or only about types."""
    if isinstance(node, ast.Expr):
        return _is_untested(node.value)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes) or node.value is ...
    if isinstance(node, ast.Raise):
        # What it says is for people; the statement itself is removed by its parent.
        return False
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom)
    name = node.func
    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
        is_metric = name.value.id.isupper() and name.attr in _METRIC_CALLS
        return name.value.id in _UNTESTED_NAMES or is_metric
    return isinstance(name, ast.Name) and name.id in {"cast", "print"}


def _children(node: ast.AST, path: Path) -> Iterator[tuple[Path, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield (*path, (name, None)), value
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if isinstance(child, ast.AST):
                    yield (*path, (name, index)), child


def _replaced(tree: ast.Module, path: Path, replacement: ast.AST) -> ast.Module:
    whole = copy.deepcopy(tree)
    parent: Any = whole
    for name, index in path[:-1]:
        parent = getattr(parent, name)
        parent = parent if index is None else parent[index]
    name, index = path[-1]
    if index is None:
        setattr(parent, name, replacement)
    else:
        getattr(parent, name)[index] = replacement
    return ast.fix_missing_locations(whole)


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yield the changes of a node itself: how to say it where its text does not, and what stands
    there instead.
    """
    for kind, change in _BY_KIND:
        if isinstance(node, kind):
            yield from (
                (said, ast.copy_location(new, node)) for said, new in change(copy.deepcopy(node))
            )


def _change_comparison(node: ast.Compare) -> Iterator[Change]:
    for index, operator in enumerate(node.ops):
        changed = copy.deepcopy(node)
        changed.ops[index] = _COMPARISONS[type(operator)]()
        yield "", changed


def _change_boolean(node: ast.BoolOp) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield "", ast.BoolOp(other, node.values)
    for index in range(len(node.values)):
        rest = node.values[:index] + node.values[index + 1 :]
        yield "", rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _change_unary(node: ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield "", node.operand


def _change_binary(node: ast.BinOp) -> Iterator[Change]:
    is_text = any(
        isinstance(each, ast.JoinedStr)
        or (isinstance(each, ast.Constant) and isinstance(each.value, str))
        for each in (node.left, node.right)
    )
    if type(node.op) in _OPERATORS and not is_text:
        yield "", ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)


def _change_augmented(node: ast.AugAssign) -> Iterator[Change]:
    if type(node.op) in _OPERATORS:
        yield "", ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)
    yield "removed", ast.Pass()


def _change_constant(node: ast.Constant) -> Iterator[Change]:
    if isinstance(node.value, bool):
        yield "", ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield "", ast.Constant(node.value + 1)


def _change_condition(node: ast.If | ast.While | ast.IfExp) -> Iterator[Change]:
    for value in (True, False):
        if isinstance(node, ast.While) and value:
            continue
        changed = copy.deepcopy(node)
        changed.test = ast.Constant(value)
        yield f"{_shorten(node)} if {value}", changed


def _change_call(node: ast.Call) -> Iterator[Change]:
    for index, keyword in enumerate(node.keywords):
        if keyword.arg and keyword.arg not in _LOADING and not _is_text(keyword.value):
            rest = node.keywords[:index] + node.keywords[index + 1 :]
            yield "", ast.Call(node.func, node.args, rest)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _NARROWING:
        yield "", node.func.value
    if isinstance(node.func, ast.Name) and node.func.id in {"min", "max"}:
        other = "max" if node.func.id == "min" else "min"
        yield "", ast.Call(ast.Name(other, ast.Load()), node.args, node.keywords)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _remove_statement(node: ast.stmt) -> Iterator[Change]:
    yield "removed", ast.Pass()


def _remove_assignment(node: ast.Assign) -> Iterator[Change]:
    """Of a field or an item only: a name would be missing afterwards."""
    if all(isinstance(each, ast.Attribute | ast.Subscript) for each in node.targets):
        yield "removed", ast.Pass()


def _change_return(node: ast.Return) -> Iterator[Change]:
    value = node.value
    # Callers do not tell None from another false value, and that is changed as a constant.
    if value is not None and not (isinstance(value, ast.Constant) and not value.value):
        yield "", ast.Return(ast.Constant(None))


def _change_slice(node: ast.Slice) -> Iterator[Change]:
    if node.lower is not None:
        yield "", ast.Slice(None, node.upper, node.step)
    if node.upper is not None:
        yield "", ast.Slice(node.lower, None, node.step)


def _swap_loop_end(node: ast.Break | ast.Continue) -> Iterator[Change]:
    yield "", ast.Continue() if isinstance(node, ast.Break) else ast.Break()


_BY_KIND: list[tuple[Any, Any]] = [
    (ast.Compare, _change_comparison),
    (ast.BoolOp, _change_boolean),
    (ast.UnaryOp, _change_unary),
    (ast.BinOp, _change_binary),
    (ast.AugAssign, _change_augmented),
    (ast.Constant, _change_constant),
    (ast.If | ast.While | ast.IfExp, _change_condition),
    (ast.Call, _change_call),
    (ast.Expr | ast.Raise | ast.Delete, _remove_statement),
    (ast.Assign, _remove_assignment),
    (ast.Return, _change_return),
    (ast.Slice, _change_slice),
    (ast.Break | ast.Continue, _swap_loop_end),
]


def _shorten(node: ast.AST) -> str:
    """Return the first line of a node's text."""
    if isinstance(node, ast.If | ast.While):
        word = "if" if isinstance(node, ast.If) else "while"
        return f"{word} {ast.unparse(node.test)}:"
    text = ast.unparse(node).strip() or type(node).__name__
    return " ".join(text.split())[:100]
