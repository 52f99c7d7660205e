"""The main job in the local run: one command, a photograph, its thumbnails, a link."""

import signal
from pathlib import Path

import pytest
import requests

from tests import corpus
from tests.api.pictures_service.socketio.clients import (
    TRANSPORTS,
    check_that_changes_arrive,
    node_client,
)
from tests.pictures import encode, open_image, waves
from tests.processes import PASSWORD, Running, command_lines_of, dev_run, is_ready, until
from tests.smoke_tests import SMOKE_TESTS, ServiceClient

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(180)]


def photograph() -> bytes:
    """Return a real photograph where the corpus is there, else a drawn one of the same size."""
    real = [s for s in corpus.samples("accept") if s.format == "JPEG" and s.width * s.height > 4e6]
    if real:
        return max(real, key=lambda sample: sample.width).path.read_bytes()
    return encode(waves(4000, 3000), "JPEG", quality=90)


def sign_in(service: Running) -> requests.Session:
    session = requests.Session()
    body = {"username": "admin", "password": PASSWORD}
    answer = session.post(f"{service.url}/api/user/token/", data=body, timeout=10)
    session.headers["Authorization"] = f"Token {answer.json()['token']}"
    return session


def get_thumbnails(service: Running, session: requests.Session) -> list[dict[str, object]]:
    answer = session.get(f"{service.url}/api/user/thumbnails/", timeout=10)
    found: list[dict[str, object]] = answer.json()
    return found


def test_an_uploaded_photograph_gets_thumbnails_and_an_expiring_link(tmp_path: Path) -> None:
    content = photograph()
    data_dir = tmp_path / "data"
    with dev_run(data_dir) as service:
        until(lambda: is_ready(service), 60, service)
        session = sign_in(service)
        answer = session.post(
            f"{service.url}/api/user/images/", files={"image": content}, timeout=30
        )
        assert answer.status_code == 201, answer.text
        [thumbnail] = until(lambda: get_thumbnails(service, session), 10, service)
        small = requests.get(str(thumbnail["thumbnail"]), timeout=10)
        (tmp_path / "thumbnail").write_bytes(small.content)
        assert open_image(tmp_path / "thumbnail").height == thumbnail["height"] == 200
        assert requests.get(answer.json()["image"], timeout=10).content == content
        link = session.get(
            f"{service.url}/api/user/link/{answer.json()['id']}/?time=300", timeout=10
        )
        page = requests.get(link.json()["url"], timeout=10)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "image/jpeg")
        assert service.stop(signal.SIGINT) == 0
    assert command_lines_of(data_dir) == []
    with dev_run(data_dir) as again:
        assert [each["id"] for each in get_thumbnails(again, sign_in(again))] == [thumbnail["id"]]
        assert again.stop(signal.SIGTERM) == 0
    assert "shown once" not in again.log.read_text()


def test_every_contract_passes_its_smoke_test_in_the_local_run(
    tmp_path: Path, node_modules: Path
) -> None:
    """tests/deployment runs the same smoke tests on a deployment."""
    credentials = {"login": "admin", "password": PASSWORD}
    with dev_run(tmp_path / "data") as service:
        for smoke_test in SMOKE_TESTS:
            with ServiceClient(service.url, service.url) as client:
                smoke_test(client, lambda happened: until(happened, 30, service))
        with node_client(node_modules) as node:
            for transports in TRANSPORTS:
                answer = requests.post(f"{service.url}/auth/signin", json=credentials, timeout=30)
                name, token = "+".join(transports), answer.json()["token"]
                check_that_changes_arrive(node, name, service.url, token, transports)
                node.close(name)


@pytest.mark.nightly
def test_an_upload_that_is_too_large_is_413_without_being_read(tmp_path: Path) -> None:
    with dev_run(tmp_path / "data") as service:
        answer = sign_in(service).post(
            f"{service.url}/api/user/images/", files={"image": b"\0" * 40_000_000}, timeout=60
        )
        assert (answer.status_code, list(answer.json())) == (413, ["detail"])


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_no_process_survives_a_killed_command(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with dev_run(data_dir) as service:
        assert len(command_lines_of(data_dir)) >= 4
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(timeout=10)
        until(lambda: not command_lines_of(data_dir), 15, service)


def test_a_generated_admin_password_is_printed_once(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    for _ in range(2):
        with dev_run(data_dir, ADMIN_PASSWORD="") as service:
            service.stop()
    assert service.log.read_text().count("shown once") == 1
