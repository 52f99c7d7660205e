"""Commands beside the local run: they share its settings, its data and its Valkey."""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.processes import ROOT, dev_run, until

SHOW = "from django.conf import settings as s; print(s.LOCAL, s.PORT, s.DATA_DIR, s.REDIS_URL)"


def dev(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {n: v for n, v in os.environ.items() if n not in {"DATABASE_URL", "REDIS_URL"}}
    return subprocess.run(
        [sys.executable, "dev", *arguments],
        cwd=ROOT,
        env=inherited | {"DJANGO_SETTINGS_MODULE": "config.settings"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def settings_of(command: list[str], data_dir: Path, port: str) -> list[str]:
    finished = dev(*command, "-v", "0", "-c", SHOW, DATA_DIR=str(data_dir), PORT=port)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.split()


@pytest.mark.unhurried
@pytest.mark.parametrize("command", [["manage", "shell"], ["shell"]])
def test_a_command_has_the_settings_of_the_local_run(command: list[str], tmp_path: Path) -> None:
    local, port, data_dir, redis = settings_of(command, tmp_path / "data", "8765")
    assert (local, port, data_dir) == ("True", "8765", str(tmp_path / "data"))
    # Its own, since nothing runs, and gone with it.
    assert redis.startswith("unix:///")
    assert not Path(urlsplit(redis).path).exists()


@pytest.mark.unhurried
def test_a_command_returns_the_exit_code_of_manage_py(tmp_path: Path) -> None:
    finished = dev("manage", "jump", DATA_DIR=str(tmp_path))
    assert finished.returncode == 1
    assert "Unknown command: 'jump'" in finished.stderr


@pytest.mark.processes
@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_a_demo_makes_pictures_and_links_and_may_be_repeated(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with dev_run(data_dir) as service, requests.Session() as api:
        port = service.url.rpartition(":")[2]
        redis = urlsplit(settings_of(["shell"], data_dir, port)[3])
        assert Path(redis.path).is_socket()  # the run's: the command's own would be gone with it
        first, second = (dev("demo", DATA_DIR=str(data_dir), PORT=port) for _ in range(2))
        assert (first.returncode, first.stderr) == (0, "")
        assert first.stdout == second.stdout

        links = re.findall(r"http://\S+/l/\S+", first.stdout)
        assert len(links) == 5
        assert {requests.get(link, timeout=10).status_code for link in links} == {200}
        [password] = re.findall(r"as demo with the password (\S+)", first.stdout)
        account = {"username": "demo", "password": password}
        token = api.post(f"{service.url}/api/user/token/", data=account, timeout=10).json()["token"]
        api.headers["Authorization"] = f"Token {token}"

        def rows(name: str) -> list[dict[str, int]]:
            url = f"{service.url}/api/user/{name}/?limit=100"
            found: list[dict[str, int]] = api.get(url, timeout=10).json()
            return found

        pictures = {row["id"] for row in rows("images")}
        assert len(pictures) == 30
        until(lambda: {row["image_id"] for row in rows("thumbnails")} == pictures, 60, service)
