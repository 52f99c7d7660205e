"""`./dev env` makes the secrets of a deployment, once, for its owner alone."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT


def dev_env(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "dev", "env", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def read(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_the_file_holds_fresh_secrets_that_nobody_else_can_read(tmp_path: Path) -> None:
    files = [tmp_path / "first", tmp_path / "second"]
    for file in files:
        finished = dev_env("https://pictures.example.org/", str(file))
        assert (finished.returncode, finished.stderr) == (0, "")
        assert "docker compose up" in finished.stdout
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first, second = map(read, files)
    assert first.pop("PUBLIC_URL") == second.pop("PUBLIC_URL") == "https://pictures.example.org"
    assert first.pop("SIGNUP") == second.pop("SIGNUP") == "open"
    assert first.pop("STAFF_SECOND_FACTOR") == second.pop("STAFF_SECOND_FACTOR") == "off"
    assert "open (everybody), invite (" in files[0].read_text()
    assert len(first["SECRET_KEY"]) >= 50
    assert all(len(value) >= 24 and value.isalnum() for value in first.values())
    assert len({*first.values(), *second.values()}) == len(first) + len(second)
    assert not any(value in finished.stdout for value in second.values())


def test_localhost_needs_no_tls(tmp_path: Path) -> None:
    assert dev_env("http://localhost:8080", str(tmp_path / "env")).returncode == 0
    assert read(tmp_path / "env")["SSL_REDIRECT"] == "off"


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("SECRET_KEY=precious\n")
    finished = dev_env("https://pictures.example.org", str(tmp_path / "env"))
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith(f"dev: {tmp_path / 'env'} is there already")
    assert (tmp_path / "env").read_text() == "SECRET_KEY=precious\n"


@pytest.mark.unhurried
@pytest.mark.parametrize(
    "url", ["pictures.example.org", "http://pictures.example.org", "https://", "https://h/p", "https://h$x"]
)  # fmt: skip
def test_an_address_that_browsers_cannot_use_is_refused(url: str, tmp_path: Path) -> None:
    finished = dev_env(url, str(tmp_path / "env"))
    assert (finished.returncode, finished.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "env").exists()


def test_without_an_address_and_a_terminal_the_usage_is_shown() -> None:
    assert "./dev env https://HOST" in dev_env().stderr
