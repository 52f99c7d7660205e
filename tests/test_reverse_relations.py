"""No package reaches up by the name of a reverse relation, which no import would show.

A foreign key in `thumbnails` gives `images.Picture` the attribute `thumbnails` and the field path
`thumbnails__height`: packages below `thumbnails` may use neither.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from tests.test_imports import CONFIGURATION, ROOT

_LAYERS = [each.split(" | ") for each in reversed(CONFIGURATION["contracts"][0]["layers"])]
RANK = {package: rank for rank, packages in enumerate(_LAYERS) for package in packages}
_FIELD_PATH = re.compile(r"[-=^@]?(\w+)")


def reverse_names() -> dict[str, set[str]]:
    """Return the names of reverse relations that each package's foreign keys make."""
    names: dict[str, set[str]] = {package: set() for package in RANK}
    for model in apps.get_models(include_auto_created=True):
        for relation in model._meta.related_objects:
            package = relation.related_model._meta.app_config.name
            if package in RANK:
                names[package] |= {relation.name, relation.get_accessor_name() or relation.name}
    return names


def names_above(package: str) -> set[str]:
    """Return the names that a package must not use."""
    own = RANK[package]
    return set().union(*(names for each, names in reverse_names().items() if RANK[each] > own))


def uses(source: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and name wherever a source reads an attribute or writes a field path of a name."""
    tree = ast.parse(source)
    words = {id(each) for each in (*_verbose_names(tree), *_choices(tree))}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=text):
                found = {text}
            case ast.Constant(value=str(text)) if id(node) not in words:
                found = _parts(text)
            case ast.keyword(arg=str(text)):
                found = _parts(text)
            case _:
                continue
        for name in sorted(found & names):
            yield node.lineno, name


def _parts(text: str) -> set[str]:
    """Return the names in a field path such as `-thumbnails__height`; prose has none."""
    path = _FIELD_PATH.fullmatch(text)
    return set(path.group(1).split("__")) if path else set()


def _verbose_names(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what is written for people: the first argument of a model field."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Field"):
            yield from node.args[:1]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"_", "gettext_lazy"}:
            yield from node.args


def _choices(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the values and labels of choices, which name nothing of the database."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and "TextChoices" in map(ast.unparse, node.bases):
            for each in node.body:
                if isinstance(each, ast.Assign) and isinstance(each.value, ast.Tuple):
                    yield from each.value.elts


def modules(package: str) -> list[Path]:
    """Return a package's modules without its migrations, which are history."""
    found = (ROOT / package).rglob("*.py")
    return [path for path in found if "migrations" not in path.parts]


@pytest.mark.parametrize("package", RANK)
def test_no_package_reaches_up_by_a_reverse_relation(package: str) -> None:
    names = names_above(package)
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules(package)
        for line, name in uses(path.read_text(), names)
    ]
    assert found == []


def test_the_names_are_those_of_the_foreign_keys() -> None:
    assert {"thumbnails", "renditions"} <= names_above("images")
    assert "links" not in names_above("images")
    assert {"pictures", "links_made", "thumbnails"} <= names_above("accounts")
    assert "users" in names_above("tiers")


@pytest.mark.parametrize(
    "source",
    [
        "copies = picture.thumbnails.all()",
        "rows.filter(thumbnails__height=200)",
        "rows.filter(thumbnails=None)",
        "Q(owner__tier__heights__height=F('thumbnails__height'))",
        "rows.prefetch_related('thumbnails')",
        "getattr(picture, 'thumbnails')",
        "class Admin:\n    list_display = ['-thumbnails__height']",
    ],
)
def test_each_way_up_is_seen(source: str) -> None:
    assert [name for _, name in uses(source, {"thumbnails"})] == ["thumbnails"]


@pytest.mark.parametrize(
    "source",
    [
        "thumbnails = 3",
        "from thumbnails.models import Thumbnail",
        "print('thumbnails of a picture')",
        "rendering = models.CharField('thumbnails', max_length=8)",
        "rows.filter(thumbnails_requested=True)",
    ],
)
def test_what_only_sounds_like_it_is_not(source: str) -> None:
    assert list(uses(source, {"thumbnails"})) == []
