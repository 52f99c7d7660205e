"""No import cycle between modules, lazy imports inside functions included."""

import tomllib
from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
# Packages outside the layers; their modules form no cycle either.
TOOLS = ["devkit", "benchmarks"]


def imports_among(packages: list[str]) -> dict[str, set[str]]:
    """Return what each module imports; blocks under TYPE_CHECKING never run and are left out."""
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def find_cycle(imports: Mapping[str, Set[str]]) -> str:
    """Return an import cycle as `a → b → a`, "" where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        # `graphlib` lists what is imported before what imports it.
        return " → ".join(reversed(error.args[1]))
    return ""


def test_there_is_no_import_cycle() -> None:
    imports = imports_among([*CONFIGURATION["root_packages"], *TOOLS])
    assert "images.models" in imports["images.services"]
    assert find_cycle(imports) == ""


def test_a_cycle_is_found_and_shown() -> None:
    imports = {"a": {"b", "x"}, "b": {"c"}, "c": {"a"}, "x": set()}
    assert find_cycle(imports) in {"a → b → c → a", "b → c → a → b", "c → a → b → c"}
    assert find_cycle({**imports, "c": {"x"}}) == ""


def test_a_lazy_import_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "toy_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "first.py").write_text("from toy_package import second\n")
    (package / "second.py").write_text("def work():\n    from toy_package import first\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_cycle(imports_among(["toy_package"]))
