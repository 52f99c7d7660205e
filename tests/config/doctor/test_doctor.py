"""`manage.py doctor` against real running deployments: a healthy one and broken ones."""

import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from accounts.models import User
from images.models import Picture
from tests.factories import tier
from tests.notifications.sockets.clients import SocketServer, server_environment, socket_server
from tests.processes import ROOT, dev_run
from tests.servers.ports import free_ports
from tests.servers.rabbitmq import Broker

pytestmark = [pytest.mark.processes, pytest.mark.nightly, pytest.mark.timeout(240)]


KEY = secrets.token_urlsafe(48)


def run_doctor(python: Path, env: dict[str, str], *options: str) -> tuple[int, dict[str, str]]:
    """Run the command; return its exit code, and its findings by name."""
    finished = subprocess.run(
        [python, "manage.py", "doctor", *options],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    lines = finished.stdout.splitlines()
    findings = {line[:16].strip(): line[16:] for line in lines if len(line) > 16}
    assert findings, finished.stderr
    return finished.returncode, findings


def failed_checks(findings: dict[str, str]) -> set[str]:
    return {name for name, finding in findings.items() if finding.startswith("WRONG")}


@pytest.mark.rabbitmq
def test_every_check_of_a_healthy_deployment_passes_and_leaves_nothing_behind(
    tmp_path: Path, rabbitmq_server: Broker, quick_python: Path
) -> None:
    data_dir = tmp_path / "data"
    variables = {
        "AMQP_URL": rabbitmq_server.url, "REDIS_URL": os.environ["REDIS_URL"],
        "SECRET_KEY": KEY, "CELERY_QUEUE": "doctor", "AUTH_QUEUE": "doctor-auth",
    }  # fmt: skip
    with dev_run(data_dir, **variables) as service:
        port = service.url.rsplit(":", 1)[1]
        env = os.environ | variables | {"LOCAL": "on", "DATA_DIR": str(data_dir), "PORT": port,
                                        "DATABASE_URL": ""}  # fmt: skip
        env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        code, findings = run_doctor(quick_python, env)
        again, _ = run_doctor(quick_python, env, "--url", service.url)
        service.stop()
    assert (failed_checks(findings), code, again) == (set(), 0, 0), findings
    assert [name for name, finding in findings.items() if finding.startswith("--")] == [
        "database clock"
    ]
    assert {"worker", "events", "link", "delete", "logouts out", "logouts in"} <= set(findings)
    assert [path for path in (data_dir / "images").rglob("*") if path.is_file()] == []


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketServer]:
    """Answers HTTP and WebSockets on the tests' database."""
    with socket_server(tmp_path_factory.mktemp("doctor"), SECRET_KEY=KEY) as running:
        yield running


@pytest.fixture
def without_a_worker(
    server: SocketServer, transactional_db: None
) -> tuple[SocketServer, dict[str, str]]:
    """A deployment of that server alone, and the variables of its other processes."""
    tier("Enterprise")
    port = int(server.url.rsplit(":", 1)[1])
    return server, server_environment(server.log.parent, port) | {"SECRET_KEY": KEY}


def test_a_missing_worker_is_named_with_its_remedy(
    without_a_worker: tuple[SocketServer, dict[str, str]], quick_python: Path
) -> None:
    _, env = without_a_worker
    code, findings = run_doctor(quick_python, env, "--patience", "2")
    assert (code, failed_checks(findings)) == (1, {"parts", "worker", "events"})
    assert "no thumbnails within 2 s → start `celery -A config worker`" in findings["worker"]
    assert "missing: worker" in findings["parts"]
    assert findings["delete"].startswith("ok")
    assert (User.objects.count(), Picture.objects.count()) == (0, 0)


def test_a_public_url_that_leads_nowhere_is_named(
    without_a_worker: tuple[SocketServer, dict[str, str]], quick_python: Path
) -> None:
    _, env = without_a_worker
    env["PUBLIC_URL"] = f"http://localhost:{free_ports(1)[0]}"
    code, findings = run_doctor(quick_python, env, "--patience", "2")
    assert code == 1
    assert f"nothing answers at {env['PUBLIC_URL']}" in findings["address"]
    assert "set PUBLIC_URL" in findings["address"]
    assert findings["upload"].startswith("--")
    assert User.objects.count() == 0


def test_a_public_url_of_another_service_is_named(
    without_a_worker: tuple[SocketServer, dict[str, str]], quick_python: Path
) -> None:
    server, env = without_a_worker
    env["PUBLIC_URL"] = "https://pictures.example.org"
    code, findings = run_doctor(quick_python, env, "--url", server.url, "--patience", "2")
    assert code == 1
    assert "PUBLIC_URL says https://pictures.example.org" in findings["address"]
    assert findings["upload"].startswith("ok")


def test_guessable_secrets_and_an_unwritable_storage_are_named(
    without_a_worker: tuple[SocketServer, dict[str, str]], quick_python: Path, tmp_path: Path
) -> None:
    _, env = without_a_worker
    (tmp_path / "images").write_text("a file where the folder should be")
    own = {"SECRET_KEY": "short", "DATA_DIR": str(tmp_path)}
    code, findings = run_doctor(quick_python, env | own, "--patience", "2")
    assert code == 1
    assert "SECRET_KEY could be guessed →" in findings["secrets"]
    assert "cannot be written to" in findings["storage"]


class WrongClock(BaseHTTPRequestHandler):
    """Another service, on a machine whose clock is wrong."""

    def do_GET(self) -> None:
        self.send_response_only(200)
        self.send_header("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_wrong_clock_and_another_service_are_named(
    without_a_worker: tuple[SocketServer, dict[str, str]], quick_python: Path
) -> None:
    _, env = without_a_worker
    with ThreadingHTTPServer(("127.0.0.1", 0), WrongClock) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        code, findings = run_doctor(quick_python, env, "--url", url, "--patience", "1")
        server.shutdown()
    assert code == 1
    assert "differ by" in findings["service clock"]
    assert "answered by something else" in findings["address"]
    assert findings["database clock"].startswith("ok")
