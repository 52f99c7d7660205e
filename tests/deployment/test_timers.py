"""What the containers of the profile `timers` run."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment import compose
from tests.processes import ROOT
from tests.waiting import until

VARIABLES = dict.fromkeys(("PUBLIC_URL", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"), "x")


@pytest.fixture
def timer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that fails at its first run, and writes a line at each."""
    command = f"echo run >>{tmp_path}/runs; test $(wc -l <{tmp_path}/runs) -gt 1"
    words = ["sh", "deploy/every.sh", "1", "sh", "-c", command]
    succeed_by = str(tmp_path / "succeed-by")
    process = subprocess.Popen(
        words, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "SUCCEED_BY": succeed_by}, stderr=-1
    )
    with process:
        yield process
        process.kill()


@pytest.mark.unhurried
def test_a_timer_runs_again_and_is_healthy_once_a_run_has_succeeded(
    timer: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    succeed_by = tmp_path / "succeed-by"
    [*_, script] = compose.services(VARIABLES | {"REDIS_PASSWORD": "x"})["verify"].healthcheck
    check = ["sh", "-c", script.replace("/tmp/succeed-by", str(succeed_by))]  # noqa: S108 (the container's)
    until((tmp_path / "runs").exists, 20, lambda: "it runs")
    assert subprocess.run(check, check=False, capture_output=True).returncode != 0
    until(succeed_by.exists, 20, lambda: "its second run succeeds")
    until(lambda: succeed_by.read_text() != "", 20, lambda: "it says until when")
    assert 3500 < int(succeed_by.read_text()) - time.time() < 3700
    assert subprocess.run(check, check=False).returncode == 0
    succeed_by.write_text(f"{time.time() - 1:.0f}")
    assert subprocess.run(check, check=False).returncode != 0
    timer.terminate()
    assert timer.wait(10) == 0
    assert timer.stderr
    assert b"every.sh: exit status 1: sh -c echo run" in timer.stderr.read()


def test_backups_are_pruned_after_each_and_lie_where_the_operator_says() -> None:
    service = compose.services(
        VARIABLES | {"REDIS_PASSWORD": "x", "BACKUP_DIR": "/mnt/b", "BACKUP_SECONDS": "3600"}
    )["backups"]
    assert "/mnt/b:/backups" in service.volumes
    assert service.command[:3] == ["sh", "deploy/every.sh", "3600"]
    back_up, prune = service.command[-1].split(" && ")
    assert back_up == "python manage.py back_up /backups/tintype"
    assert prune.split() == [
        *("python", "manage.py", "prune_backups", "/backups/tintype"),
        *("--days", "14", "--weeks", "8", "--months", "12"),
    ]


def test_the_image_has_what_the_timers_run() -> None:
    assert "deploy/every.sh" in compose.image_paths()
