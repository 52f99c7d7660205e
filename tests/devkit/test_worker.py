"""The worker of a local run, which is its scheduler too."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devkit import worker
from tests.processes import ROOT, newcomers_environment

# What a terminal, a deployment or the web process alone needs.
UNNEEDED = "boto3 botocore psycopg pika prompt_toolkit rest_framework.views api.urls"


@pytest.mark.unhurried
def test_a_worker_loads_nothing_that_only_others_need(tmp_path: Path) -> None:
    code = f"""
import sys
import devkit.worker
from config.celery import app
app.loader.import_default_modules()
print(*sorted(set({UNNEEDED.split()!r}) & set(sys.modules)))
"""
    env = newcomers_environment() | {
        "LOCAL": "on",
        "DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_a_scheduler_that_fails_takes_its_worker_along(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(os, "kill", lambda *signalled: sent.append(signalled))
    scheduler = worker._Scheduler()

    def fail() -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(scheduler._service, "start", fail)
    scheduler.run()
    assert sent == [(os.getpid(), signal.SIGTERM)]
