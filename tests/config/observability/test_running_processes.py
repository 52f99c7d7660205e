"""Metrics and log lines of several running processes."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.multiprocess import MultiProcessCollector

from tests.config.observability.scraping import BEARER, TOKEN, parse_metrics
from tests.factories import make_user
from tests.granian import run_granian
from tests.notifications.sockets.clients import socket_server
from tests.pictures import jpeg
from tests.processes import PASSWORD, Running, dev_run, until
from tests.servers.ports import free_ports

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(180)]


def scrape(url: str) -> Callable[..., float]:
    answer = requests.get(url, headers=BEARER, timeout=10)
    assert answer.status_code == 200, answer.text
    return parse_metrics(answer.text)


@pytest.mark.django_db(transaction=True)
def test_each_process_reports_the_sum_of_all_processes(tmp_path: Path) -> None:
    with run_granian(tmp_path, 2, METRICS_TOKEN=TOKEN) as server:
        numbers = count(1)
        sent = until(
            lambda: _send_until_both_count(server, tmp_path / "metrics", numbers), 90, server
        )
        assert {_scrape_404s(server) for _ in range(10)} == {sent}
        os.kill(next(iter(_counts_by_pid(tmp_path / "metrics"))), signal.SIGKILL)
        assert until(lambda: _scrape_404s(server), 30, server) == sent


def _send_until_both_count(server: Running, folder: Path, numbers: Iterator[int]) -> int | None:
    """Send one more request; return their number once both processes have counted some."""
    requests.get(f"{server.url}/nowhere", timeout=10)
    sent = next(numbers)
    return sent if len(_counts_by_pid(folder)) == 2 else None


def _counts_by_pid(folder: Path) -> dict[int, float]:
    """Return how many requests of unknown URLs each process has counted."""
    found = {}
    for path in folder.glob("counter_*.db"):
        for metric in MultiProcessCollector.merge([str(path)]):
            for sample in metric.samples:
                if sample.labels.get("contract") == "elsewhere":
                    found[int(path.stem.split("_")[1])] = sample.value
    return found


def _scrape_404s(server: Running) -> float | None:
    """Return the sum of all processes; None where the connection went to the killed one."""
    try:
        value = scrape(f"{server.url}/metrics")
    except requests.ConnectionError:
        return None
    return value("tintype_requests_total", contract="elsewhere", code="404")


@pytest.mark.django_db(transaction=True)
def test_sockets_of_a_killed_process_are_not_counted_as_open(tmp_path: Path) -> None:
    alice = make_user("alice")
    first = socket_server(tmp_path, METRICS_TOKEN=TOKEN)
    with first as server, server.of(alice) as one, server.of(alice) as two:
        assert scrape(f"{server.url}/metrics")("tintype_open_sockets") == 2
        server.process.kill()
        one.closed_with()
        two.closed_with()
    with socket_server(tmp_path, METRICS_TOKEN=TOKEN) as server:
        assert scrape(f"{server.url}/metrics")("tintype_open_sockets") == 0


def test_the_request_id_of_an_upload_is_in_the_logs_of_worker_and_sandbox(tmp_path: Path) -> None:
    [port] = free_ports(1)
    variables = {"METRICS_TOKEN": TOKEN, "METRICS_PORT": str(port), "LOG_FORMAT": "json"}
    variables["LOG_LEVEL"] = "DEBUG"  # what the sandbox says of each picture
    with dev_run(tmp_path / "data", TRUSTED_PROXIES="1", **variables) as service:
        sign_in = {"username": "admin", "password": PASSWORD}
        key = requests.post(f"{service.url}/api/user/token/", data=sign_in, timeout=10).json()
        answer = requests.post(
            f"{service.url}/api/user/images/",
            headers={"Authorization": f"Token {key['token']}", "X-Request-ID": "an-upload-0001"},
            files={"image": jpeg(900, 600)},
            timeout=30,
        )
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (201, "an-upload-0001")
        until(lambda: scrape(f"{service.url}/metrics")("tintype_render_seconds_count"), 60, service)
        assert requests.get(f"http://localhost:{port}/", timeout=10).status_code == 401
        assert scrape(f"http://localhost:{port}/")("tintype_render_seconds_count") == 1
        ready = until(lambda: _readyz(service), 60, service)
        assert ready["parts"]["worker"] == "ok"
        assert service.stop() == 0
    lines = log_lines_of(service.log, "an-upload-0001")
    # The check, and what was made of its pixels; perhaps what follows already.
    assert {"inspect took", "render_pixels took"} <= set(lines["images.sandbox.pool"])
    assert lines["thumbnails.services"] == {"picture 1:"}


def _readyz(service: Running) -> dict[str, Any] | None:
    answer = requests.get(f"{service.url}/readyz", timeout=10)
    return answer.json() if answer.status_code == 200 else None


def log_lines_of(log: Path, request_id: str) -> dict[str, set[str]]:
    """Return the first two words of each log line of a request, by logger."""
    found: dict[str, set[str]] = {}
    for line in log.read_text().splitlines():
        _, bar, text = line.partition(" | {")
        if bar and (record := json.loads("{" + text))["request_id"] == request_id:
            assert {"time", "level", "process"} <= set(record)
            found.setdefault(record["logger"], set()).add(" ".join(record["message"].split()[:2]))
    return found
