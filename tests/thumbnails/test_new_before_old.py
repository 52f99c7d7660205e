"""One worker, Redis and SQLite, as `./dev run` starts them: a new upload goes before a backfill."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
import requests

from tests.pictures import jpeg
from tests.processes import PASSWORD, Running, dev_run, until
from tests.program_shell import ProgramShell

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]

BEHIND = 250
# In the service's own shell: pictures with their files, and a tier's change that concerns them.
WRITE = f"""
from io import BytesIO
from accounts.models import User
from images.models import Picture
from images.storage.base import picture_storage
from tests.pictures import jpeg
from tests.rows import write_pictures
from tiers.services import set_heights
owner = User.objects.get(username="collector")
content = jpeg(900, 600)
for each in Picture.objects.filter(pk__in=write_pictures(owner, {BEHIND}, heights=[200])):
    picture_storage.write(each.key, BytesIO(content))
set_heights(tier=owner.tier, heights=[200, 300])
"""
COUNT = """
from thumbnails.models import Backfill, Thumbnail
done = Backfill.objects.running().count() == 0
print(done, Thumbnail.objects.filter(height=300, owner__username="collector").count())
"""


@contextmanager
def shell_of(data_dir: Path) -> Iterator[ProgramShell]:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {"LOCAL": "on", "DATA_DIR": str(data_dir), "LOG_LEVEL": "ERROR"}
    with closing(ProgramShell(env | {"DJANGO_SETTINGS_MODULE": "config.settings"})) as shell:
        yield shell


def sign_up(service: Running, login: str) -> requests.Session:
    account = {"login": login, "name": login, "password": PASSWORD}
    requests.post(f"{service.url}/auth/signup", json=account, timeout=10).raise_for_status()
    body = {"username": login, "password": PASSWORD}
    response = requests.post(f"{service.url}/api/user/token/", data=body, timeout=10)
    session = requests.Session()
    session.headers["Authorization"] = f"Token {response.json()['token']}"
    return session


def upload(service: Running, session: requests.Session) -> None:
    """Upload a picture and return when it has its two thumbnails."""
    count = len(thumbnails(service, session))
    address = f"{service.url}/api/user/images/"
    files = {"image": BytesIO(jpeg(900, 600))}
    session.post(address, files=files, timeout=30).raise_for_status()
    until(lambda: len(thumbnails(service, session)) == count + 2, 60, service)


def thumbnails(service: Running, session: requests.Session) -> list[object]:
    address = f"{service.url}/api/user/thumbnails/"
    found: list[object] = session.get(address, timeout=30).json()
    return found


@pytest.mark.nightly
def test_a_new_upload_goes_before_a_changed_tiers_pictures_on_redis(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with (
        dev_run(data_dir, RATE_LIMITS="off", SWEEP_SECONDS="1") as service,
        shell_of(data_dir) as shell,
    ):
        sign_up(service, "collector")
        alice = sign_up(service, "alice")
        upload(service, alice)
        # No message is sent: the sweep alone finds the backfill.
        shell.run(WRITE)
        until(lambda: not shell.run(COUNT).endswith(" 0\n"), 60, service)
        for _ in range(3):
            upload(service, alice)
        done, count = shell.run(COUNT).split()
        assert done == "False", f"{count} were rendered by then: ask for more"
        # What was behind goes on.
        until(lambda: int(shell.run(COUNT).split()[1]) > int(count), 60, service)
