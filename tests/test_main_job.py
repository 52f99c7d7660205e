"""The main job in the local run: one command, a photograph, its thumbnails, a link."""

import re
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
from tests.processes import Running, command_lines_of, dev_run, first_dev_run, until, until_ready
from tests.smoke_tests import SMOKE_TESTS, ServiceClient

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(180)]


def photograph() -> bytes:
    """Return a real photograph where the corpus is there, else a drawn one of the same size."""
    real = [s for s in corpus.samples("accept") if s.format == "JPEG" and s.width * s.height > 4e6]
    if real:
        return max(real, key=lambda sample: sample.width).path.read_bytes()
    return encode(waves(4000, 3000), "JPEG", quality=90)


def sign_in(service: Running, password: str) -> requests.Session:
    session = requests.Session()
    body = {"username": "admin", "password": password}
    answer = session.post(f"{service.url}/api/user/token/", data=body, timeout=10)
    session.headers["Authorization"] = f"Token {answer.json()['token']}"
    return session


def get_thumbnails(service: Running, session: requests.Session) -> list[dict[str, object]]:
    answer = session.get(f"{service.url}/api/user/thumbnails/", timeout=10)
    found: list[dict[str, object]] = answer.json()
    return found


def printed_passwords(service: Running) -> list[str]:
    return re.findall(r"password: (\S+)  \(shown once\)", service.log.read_text())


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_one_command_does_the_main_job_on_a_new_machine_and_goes_on_after_a_stop(
    tmp_path: Path, node_modules: Path
) -> None:
    data_dir = tmp_path / "data"
    with first_dev_run(data_dir, ADMIN_PASSWORD="") as service:
        until_ready(service)
        [password] = printed_passwords(service)
        thumbnail = upload_a_photograph(service, sign_in(service, password), tmp_path)
        use_every_contract(service, password, node_modules)
        assert service.stop(signal.SIGINT) == 0
    assert command_lines_of(data_dir) == []
    with dev_run(data_dir, ADMIN_PASSWORD="") as again:
        found = get_thumbnails(again, sign_in(again, password))
        assert thumbnail["id"] in [each["id"] for each in found]
        assert printed_passwords(again) == [password], "only by the first start"
        until(lambda: len(command_lines_of(data_dir)) >= 4, 30, again)
        again.process.send_signal(signal.SIGKILL)
        again.process.wait(timeout=10)
        until(lambda: not command_lines_of(data_dir), 15, again)


def upload_a_photograph(
    service: Running, session: requests.Session, folder: Path
) -> dict[str, object]:
    """Return its thumbnail, after a look at it, at the original and at what a link shows."""
    content = photograph()
    answer = session.post(f"{service.url}/api/user/images/", files={"image": content}, timeout=30)
    assert answer.status_code == 201, answer.text
    [thumbnail] = until(lambda: get_thumbnails(service, session), 10, service)
    small = requests.get(str(thumbnail["thumbnail"]), timeout=10)
    (folder / "thumbnail").write_bytes(small.content)
    assert open_image(folder / "thumbnail").height == thumbnail["height"] == 200
    assert requests.get(answer.json()["image"], timeout=10).content == content
    link = session.get(f"{service.url}/api/user/link/{answer.json()['id']}/?time=300", timeout=10)
    page = requests.get(link.json()["url"], timeout=10)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "image/jpeg")
    return thumbnail


def use_every_contract(service: Running, password: str, node_modules: Path) -> None:
    """Run what tests/deployment runs on a deployment, and the original's client of sockets."""
    for smoke_test in SMOKE_TESTS:
        with ServiceClient(service.url, service.url) as client:
            smoke_test(client, lambda happened: until(happened, 30, service))
    credentials = {"login": "admin", "password": password}
    with node_client(node_modules) as node:
        for transports in TRANSPORTS:
            answer = requests.post(f"{service.url}/auth/signin", json=credentials, timeout=30)
            name, token = "+".join(transports), answer.json()["token"]
            check_that_changes_arrive(node, name, service.url, token, transports)
            node.close(name)
