"""The commands of docs/operations.md, as Compose would take them."""

import re
import shlex

import pytest

from tests.deployment import compose
from tests.processes import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
RUNS = re.findall(r"docker compose run [^`\n]+", PAGE)
STEPS = re.findall(r"^\$ (docker compose .+)$", PAGE, re.MULTILINE)
MOUNT = "/srv/backups:/backups"


@pytest.mark.parametrize("command", RUNS)
def test_a_command_starts_nothing_else_and_writes_only_where_something_is_mounted(
    command: str,
) -> None:
    arguments = shlex.split(command)
    assert {"--rm", "--no-deps"} <= set(arguments)
    assert "web" in arguments
    assert any(each.startswith("/backups") for each in arguments) == (MOUNT in arguments)


def test_the_page_backs_up_and_restores_with_compose() -> None:
    commands = [shlex.split(each) for each in STEPS]
    mounted = [
        arguments[arguments.index("manage.py") + 1] for arguments in commands if MOUNT in arguments
    ]
    assert mounted == ["back_up", "back_up", "restore"]


def test_the_host_folder_is_the_images_user() -> None:
    [user] = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    [owner] = re.findall(r"install -d -o (\d+) -g (\d+) .*/srv/backups$", PAGE, re.MULTILINE)
    assert owner == user


def test_a_restore_finds_postgres_started_alone() -> None:
    [restore] = [number for number, step in enumerate(STEPS) if " restore " in step]
    before = STEPS[:restore]
    started = [step for step in before if " up " in step][-1]
    assert shlex.split(started)[-1] == "postgres"
    assert "depends_on" not in compose.raw()["services"]["postgres"]
    assert "docker compose down" in before
