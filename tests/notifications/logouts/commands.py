"""Management commands as real processes on the test's own database."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from tests.processes import ROOT
from tests.servers.loaded_python import LoadedProcess


@contextmanager
def running(command: str, amqp_url: str, **variables: str) -> Iterator[LoadedProcess]:
    """Run `manage.py COMMAND` until the block ends."""
    process = start_command(command, amqp_url, **variables)
    try:
        while process.poll() is None and not _listens_for_sigterm(process):
            time.sleep(0.02)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            assert process.wait(timeout=20) == 0, "it must stop cleanly on SIGTERM"


def _listens_for_sigterm(process: LoadedProcess) -> bool:
    """Tell whether the command has installed its handler; before that, the signal kills it."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def start_command(command: str, amqp_url: str, **variables: str) -> LoadedProcess:
    """Start `manage.py COMMAND`; the caller stops it."""
    url = urlsplit(os.environ["DATABASE_URL"])
    env = {
        **os.environ,
        "DATABASE_URL": url._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "AMQP_URL": amqp_url,
        "LOCAL": "on",
        "SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **variables,
    }
    return LoadedProcess(["manage.py", command], cwd=ROOT, env=env)
