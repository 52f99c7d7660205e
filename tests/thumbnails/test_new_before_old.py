"""One worker, Redis and SQLite, as `./dev run` starts them: a new upload goes before a backfill."""

import os
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest
import requests

from tests.pictures import jpeg
from tests.processes import PASSWORD, ROOT, Running, dev_run, until

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(300)]

BEHIND = 400
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


def in_shell(data_dir: Path, code: str) -> str:
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env |= {"LOCAL": "on", "DATA_DIR": str(data_dir), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sign_up(service: Running, login: str) -> requests.Session:
    account = {"login": login, "name": login, "password": PASSWORD}
    requests.post(f"{service.url}/auth/signup", json=account, timeout=10).raise_for_status()
    body = {"username": login, "password": PASSWORD}
    response = requests.post(f"{service.url}/api/user/token/", data=body, timeout=10)
    session = requests.Session()
    session.headers["Authorization"] = f"Token {response.json()['token']}"
    return session


def seconds_until_ready(service: Running, session: requests.Session) -> float:
    """Upload a picture and return how long its two thumbnails took."""
    count = len(thumbnails(service, session))
    began = time.monotonic()
    address = f"{service.url}/api/user/images/"
    files = {"image": BytesIO(jpeg(900, 600))}
    session.post(address, files=files, timeout=30).raise_for_status()
    until(lambda: len(thumbnails(service, session)) == count + 2, 60, service)
    return time.monotonic() - began


def thumbnails(service: Running, session: requests.Session) -> list[object]:
    address = f"{service.url}/api/user/thumbnails/"
    found: list[object] = session.get(address, timeout=30).json()
    return found


@pytest.mark.nightly
def test_a_new_upload_goes_before_a_changed_tiers_pictures_on_redis(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with dev_run(data_dir, RATE_LIMITS="off", SWEEP_SECONDS="1") as service:
        sign_up(service, "collector")
        alice = sign_up(service, "alice")
        seconds_until_ready(service, alice)
        # No message is sent: the sweep alone finds the backfill.
        in_shell(data_dir, WRITE)
        until(lambda: not in_shell(data_dir, COUNT).endswith(" 0"), 60, service)
        taken = [seconds_until_ready(service, alice) for _ in range(3)]
        done, count = in_shell(data_dir, COUNT).split()
        assert done == "False", f"{count} were rendered in {taken}: ask for more"
        assert max(taken) < 20
        until(lambda: in_shell(data_dir, COUNT) == f"True {BEHIND}", 200, service)
