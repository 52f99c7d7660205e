"""The documentation lists every setting, signal, threat's test and metric."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
_READ = re.compile(r'(?:env_[a-z_]+)\(\s*"([A-Z0-9_]+)"|os\.environ\.get\("([A-Z0-9_]+)"')
_SIGNAL = re.compile(r"^(\w+) = Signal\(\)", re.MULTILINE)
PACKAGES = (
    "config",
    "api",
    "staff",
    "plans",
    "notifications",
    "delivery",
    "upkeep",
    "thumbnails",
    "images",
    "accounts",
    "tiers",
    "lib",
)
# Set by the start-up itself, not by whoever runs the service.
_INTERNAL = {"DJANGO_SETTINGS_MODULE", "VIPS_CONCURRENCY"}


def settings_read() -> set[str]:
    found = set()
    for path in (ROOT / "config").rglob("*.py"):
        for match in _READ.finditer(path.read_text()):
            found.add(match.group(1) or match.group(2))
    return found - _INTERNAL


def test_the_settings_page_lists_every_setting_that_is_read_and_no_other() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| (`[A-Z0-9_`, ]+`) \|", page, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"[A-Z0-9_]+", row)}
    assert listed == settings_read()


def test_the_settings_page_has_the_sections_of_the_settings_module() -> None:
    """The sections without a variable are left out."""
    page = (ROOT / "docs" / "settings.md").read_text()
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)
    source = (ROOT / "config" / "settings.py").read_text()
    sections = re.findall(r"^# --- (.+?) -+$", source, re.MULTILINE)
    assert [title for title in sections if title in titles] == titles


def test_only_config_reads_the_environment() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES[1:]
        for path in (ROOT / package).rglob("*.py")
        if "os.environ" in path.read_text()
    ]
    assert readers == []


def test_the_architecture_page_lists_every_signal() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("signals.py"):
            for name in _SIGNAL.findall(path.read_text()):
                assert f"`{package}.{name}`" in page


def test_every_threat_on_the_security_page_names_existing_tests() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    table = page.split("## Threats")[1].split("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 20
    for threat, _, tests in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", tests)
        assert named, threat
        for path, name in named:
            assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), name


def test_the_monitoring_page_lists_every_metric() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    defined = {
        name for path in modules for name in re.findall(r'"(tintype_\w+)"', path.read_text())
    }
    assert len(defined) == 11
    assert {name for name in defined if name not in page} == set()


PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert {link for link in links if not (page.parent / link).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_the_project_that_a_page_names_exists(page: Path) -> None:
    folders = "|".join([*PACKAGES, "tests", "docs", "deploy", "static", "templates", "benchmarks"])
    paths = re.findall(rf"`((?:{folders})/[\w/-]+\.\w+)(?:::\w+)?`", page.read_text())
    assert {path for path in paths if not (ROOT / path).exists()} == set()
