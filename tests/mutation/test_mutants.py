"""Which changes of a module are tried."""

import ast
import textwrap
from pathlib import Path

import pytest

from tests.mutation.mutants import find_mutants
from tests.mutation.plugin import _codes_of


def changes(body: str) -> list[str]:
    """Return what becomes of a function's body, each time with one change."""
    source = f"def f(self, a, b, rows):\n{textwrap.indent(body, '    ')}"
    made = [ast.unparse(mutant.tree) for mutant in find_mutants(source)]
    head = "def f(self, a, b, rows):\n"
    return [textwrap.dedent(each.removeprefix(head)) for each in made]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = a < b", ["x = a <= b"]),
        ("x = a and b", ["x = a or b", "x = b", "x = a"]),
        ("x = not a", ["x = a"]),
        ("x = a + b", ["x = a - b"]),
        ("x = 'text ' + a", []),
        ("self.a = 1", ["pass", "self.a = 2"]),
        ("return a", ["return None"]),
        ("return False", ["return True"]),
        ("a[1:b]", ["pass", "a[:b]", "a[1:]", "a[2:b]"]),
        ("rows.filter(pk=a)", ["pass", "rows.filter()", "rows"]),
        ("raise ValueError('why')", ["pass"]),
        ("min(a, b)", ["pass", "max(a, b)"]),
        ("logger.warning('said: %s', a + 1)", []),
        ("'a text'", []),
        ("assert a < b", []),
    ],
)
def test_each_place_is_changed_by_itself(body: str, expected: list[str]) -> None:
    assert changes(body) == expected


def test_a_condition_is_also_always_and_never_true() -> None:
    made = changes("if a:\n    b()")
    assert made == ["if True:\n    b()", "if False:\n    b()", "if a:\n    pass"]
    assert "while True:\n    b()" not in changes("while a:\n    b()")


def test_only_functions_are_changed() -> None:
    source = "A = 1 + 1\nclass B:\n    c = 2\n    def __str__(self):\n        return 3\n"
    assert list(find_mutants(source)) == []


STATEMENT = "update a set n = n + 1 where id = %s and (b < 1 or c is null) returning n"


def test_statements_are_changed_where_functions_use_them() -> None:
    source = f'A = """\n{STATEMENT}\n"""\nB = "and here"\n\ndef f():\n    run(A, B)\n'
    found = [each for each in find_mutants(source) if each.statement]
    assert {each.lines for each in found} == {frozenset({7})}
    made = [each.statement[1].strip() for each in found if each.statement]
    assert made == [
        STATEMENT.replace("id = %s", "(id = %s or 1 = 1)"),
        STATEMENT.replace("(b < 1 or c is null)", "((b < 1 or c is null) or 1 = 1)"),
        STATEMENT.replace("<", "<="),
        STATEMENT.replace("+ 1", "- 1"),
        STATEMENT.replace("is null", "is not null"),
    ]


def test_a_change_is_found_again_in_the_code_of_its_function_alone() -> None:
    source = "def f(a):\n    return a + 1\n\ndef g(a):\n    return [a for a in a]\n"
    unchanged = _codes_of(ast.parse(source), "m.py")
    for mutant in find_mutants(source):
        codes = _codes_of(mutant.tree, "m.py")
        differing = [name for name, code in codes.items() if code != unchanged.get(name)]
        assert [name for name, _ in differing] == ["<module>", "f" if mutant.line < 4 else "g"]


@pytest.mark.unhurried
def test_every_module_of_the_service_can_be_mutated() -> None:
    root = Path(__file__).parents[2]
    for package in ("accounts", "images", "thumbnails", "notifications", "staff", "upkeep", "lib"):
        for path in (root / package).glob("*.py"):
            for mutant in find_mutants(path.read_text()):
                compile(mutant.tree, str(path), "exec")
                break
