"""People that most tests know, what keeps tests apart, and what reached the disk."""

import os
from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings

from accounts import throttling
from accounts.models import User
from tests.clients import Client
from tests.factories import make_user, token_client


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    """No test inherits another's cached lists or throttle counters."""
    cache.clear()
    throttling._shared_limiter().storage.reset()


@pytest.fixture(autouse=True)
def _own_folder(settings: Settings, tmp_path: Path) -> None:
    """Every test stores its files in a folder of its own."""
    settings.MEDIA_ROOT = tmp_path / "images"


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
