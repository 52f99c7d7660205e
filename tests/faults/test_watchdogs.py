"""Each process that hangs for real ends itself in the stated time, and is brought back.

The processes of a deployment, started by its own commands; what hangs is a call without a timeout.
Granian replaces its own processes; the others a restart policy, which is `keep_running` here.
"""

import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests

from devkit.children import Child
from tests.faults.accounting import Tables
from tests.faults.contracts import UPLOAD_ROUTES
from tests.faults.deployment import THREADS, Deployment, until
from tests.faults.hanging import FOLDER, PORT
from tests.pictures import jpeg
from tests.processes import ROOT
from tests.servers.ports import free_ports

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.apart,
    pytest.mark.rabbitmq, pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc"),
]  # fmt: skip
# Celery shows every two seconds that it is connected.
SECONDS = 8
# What a machine that does other work adds to the stated time, which is twice the seconds.
LONGEST = 2 * SECONDS + 20
ROUTE = UPLOAD_ROUTES["restful_api"]


@dataclass
class Hanging:
    deployment: Deployment
    folder: Path
    sockets_port: int

    def start_sockets(self) -> None:
        """Start uvicorn as Compose does, on an application that can hang."""
        command = [
            sys.executable, "-m", "uvicorn", f"--port={self.sockets_port}", "--lifespan=off",
            "--no-access-log", "tests.faults.hanging_asgi:application",
        ]  # fmt: skip
        with self.deployment.log.open("ab") as output:
            self.deployment.running["sockets"] = Child.start(
                self.deployment.reaper, "sockets", command, cwd=ROOT, output=output,
                env=self.deployment._environment("sockets") | {"HEALTH_PORT": "0"},
            )  # fmt: skip
        until(self.sockets_answer, "the sockets' process answers")

    def sockets_answer(self) -> bool:
        with suppress(requests.RequestException):
            url = f"http://127.0.0.1:{self.sockets_port}/healthz"
            return requests.get(url, timeout=2).status_code == 200
        return False

    def measure(
        self, what: str, provoke: Callable[[], object], process: Child | None = None
    ) -> str:
        """Say after how many seconds of hanging a process has ended by its watchdog."""
        said = self.count_ends()
        (self.folder / what).touch()
        began = time.monotonic()
        provoke()
        until(lambda: self.count_ends() > said, f"{what} ends", LONGEST)
        ended = time.monotonic() - began
        if process:
            until(lambda: not process.is_running(), f"{what} is gone")
            # What it had started goes with it.
            assert process.end() == 1
        (self.folder / what).unlink()
        until(self.says_where, "it says where")
        assert ended < LONGEST
        return f"{what}: ended after {ended:.1f} s"

    def says_where(self) -> bool:
        said = self.deployment.log.read_text().rsplit(f"Timeout (0:00:0{SECONDS})!", 1)[-1]
        return "in hang_if" in said

    def count_ends(self) -> int:
        return self.deployment.log.read_text().count(f"Timeout (0:00:0{SECONDS})!")


@pytest.fixture
def hanging(deploy: Callable[..., Deployment], tables: Tables, tmp_path: Path) -> Iterator[Hanging]:
    folder = tmp_path / "what hangs"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        deployment = deploy(
            DJANGO_SETTINGS_MODULE="tests.faults.hanging_settings",
            WATCHDOG_SECONDS=str(SECONDS),
            **{FOLDER: str(folder), PORT: str(silent.getsockname()[1])},
        )
        yield Hanging(deployment, folder, free_ports(1)[0])


def test_each_process_that_hangs_ends_and_is_brought_back(
    hanging: Hanging, tables: Tables, report_figures: Callable[[str], None]
) -> None:
    deployment = hanging.deployment
    person = {"login": "alice", "password": "correct horse battery", "name": "Alice"}
    signed_up = requests.post(f"{deployment.url}/auth/signup", json=person, timeout=60)
    headers = {"Authorization": f"Bearer {signed_up.json()['token']}"}

    def upload(number: int) -> int:
        options = ROUTE.options_for(jpeg(60 + number, 40))
        with suppress(requests.RequestException):
            url = deployment.url + ROUTE.path
            sent = requests.post(url, headers=headers, timeout=60, **options)
            return sent.status_code
        return 0

    def is_ready() -> bool:
        for name in (*deployment.workers, "beat"):
            deployment.keep_running(name)
        return not tables.rows("SELECT id FROM images_picture WHERE rendering <> 'ready'")

    def wait_until_ready(what: str) -> None:
        # One picture: with one for each look, there would always be one that is not ready yet.
        until(lambda: upload(0) == 201, f"{what}: a picture is stored", 180)
        until(is_ready, f"{what}: all pictures are rendered", 180)

    wait_until_ready("at first")

    # --- web: half of the threads of one process ---
    with ThreadPoolExecutor(4 * THREADS) as uploads:
        report_figures(
            hanging.measure("web", lambda: [uploads.submit(upload, 1) for _ in range(4 * THREADS)])
        )
    until(lambda: upload(2) == 201, "granian has brought another")
    assert deployment.running["web"].is_running()
    assert "Respawning" in deployment.log.read_text()

    # --- the worker: a task, then its loop ---
    tries: dict[str, Callable[[], object]] = {
        "task": partial(upload, 3), "loop of the worker": lambda: None,
    }  # fmt: skip
    for what, provoke in tries.items():
        report_figures(hanging.measure(what, provoke, deployment.running["worker0"]))
        wait_until_ready("the worker is back")

    # --- beat ---
    report_figures(hanging.measure("beat", lambda: None, deployment.running["beat"]))
    wait_until_ready("the scheduler is back")
    assert deployment.running["beat"].is_running()

    # --- sockets: the event loop ---
    hanging.start_sockets()
    sockets = deployment.running["sockets"]

    def ask() -> None:
        with suppress(requests.RequestException):
            requests.get(f"http://127.0.0.1:{hanging.sockets_port}/hang", timeout=0.5)

    report_figures(hanging.measure("loop of the sockets", ask, sockets))
    hanging.start_sockets()
