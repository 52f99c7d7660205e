"""The names of collected files hold a hash, so that browsers load each new version."""

import re
from pathlib import Path

import pytest

from tests.deployment.app import built_app

# What a comment says of types is imported by nobody.
IMPORTED = re.compile(r'^(?:import|export)\b[^;]*? from "(\./[^"]+)"', re.MULTILINE)
HASHED = re.compile(r"\.[0-9a-f]{12}\.js$")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def collected() -> Path:
    """The folder that `collectstatic` writes when the image is built."""
    return built_app() / "staticfiles"


def test_a_script_imports_modules_by_their_hashed_names(collected: Path) -> None:
    scripts = [path for path in (collected / "js").glob("*.js") if HASHED.search(path.name)]
    imports = {
        (path.parent / name).resolve()
        for path in scripts
        for name in IMPORTED.findall(path.read_text())
    }
    assert len(imports) > 5
    assert {path.name for path in imports if not HASHED.search(path.name)} == set()
    assert {path.name for path in imports if not path.exists()} == set()


def test_collected_files_are_readable_by_every_user(collected: Path) -> None:
    """The image is built by root, and run by a user who is not in root's group."""
    files = [path for path in collected.rglob("*") if path.is_file()]
    assert "staticfiles.json" in {path.name for path in files}
    assert [path for path in files if not path.stat().st_mode & 0o004] == []
