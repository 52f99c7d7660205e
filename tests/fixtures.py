"""People that most tests know, what keeps tests apart, and what reached the disk."""

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.models import User
from lib.redis_client import ask_redis
from tests.clients import Client
from tests.factories import make_user, token_client
from thumbnails.kept_pixels import kept_pixels

_numbers = count()


@pytest.fixture(scope="session")
def _folder_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tests")


@pytest.fixture
def tmp_path(_folder_of_tests: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own, numbered by count.

    Pytest's own fixture looks for a free number among the folders of all tests, which takes ten
    milliseconds where there are thousands.
    """
    name = re.sub(r"\W", "_", request.node.name)[:30]
    # Processes that are forked count from the same number.
    path = _folder_of_tests / f"{os.getpid()}-{next(_numbers)}-{name}"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(autouse=True)
def _nothing_of_others(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """No test finds what another left: one fixture, since each costs every test its own time.

    Cached lists and counters of throttles lie in one Redis. The language of the last request stays
    with the thread. Files lie in a folder of the test's own; pixels are known by pictures' ids,
    which may be the same.
    """
    ask_redis("FLUSHDB")
    translation.deactivate()
    settings.MEDIA_ROOT = tmp_path / "images"
    yield
    while (picture_id := kept_pixels.oldest()) is not None:
        if found := kept_pixels.take(picture_id):
            found.file.close()


@pytest.fixture
def alice(db: None) -> User:
    """Owns things."""
    return make_user("alice", "Enterprise")


@pytest.fixture
def bob(db: None) -> User:
    """A stranger."""
    return make_user("bob", "Enterprise")


@pytest.fixture
def staff(db: None) -> User:
    """Uses the admin."""
    return make_user("staff", "Basic", is_staff=True, is_superuser=True)


@pytest.fixture
def as_alice(alice: User) -> Client:
    """Alice's client."""
    return token_client(alice)


@pytest.fixture
def as_bob(bob: User) -> Client:
    """Bob's client."""
    return token_client(bob)


@pytest.fixture
def as_staff(staff: User) -> Client:
    """A staff member's client for the contracts."""
    return token_client(staff)


@pytest.fixture
def admin_client(staff: User) -> Client:
    """A staff member's browser, signed in to the admin."""
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files and folders that were flushed to the disk, under the names they had then."""
    fsync = os.fsync
    paths: list[Path] = []

    def note(handle: int) -> None:
        fsync(handle)
        paths.append(Path(f"/proc/self/fd/{handle}").readlink())

    monkeypatch.setattr(os, "fsync", note)
    return paths
