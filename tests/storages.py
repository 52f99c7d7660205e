"""Where a test's files lie: a folder of its own, or its own prefix in a bucket on a real S3 server.

A test marked `storages` runs once on each. Whatever a test does, no storage may be asked in a
transaction: a storage that says nothing would keep locks, and so everybody who wants them.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeAlias, cast

import pytest
from django.core.signals import setting_changed
from django.db import connection
from django.dispatch import receiver
from django.utils.functional import LazyObject, empty
from pytest_django import Settings

from images.storage.base import PictureStorage, picture_storage
from images.storage.disk import DiskStorage
from images.storage.urls import describe_storage
from tests.servers import s3

DISK, S3 = "disk", "s3"
StoredKeys: TypeAlias = Callable[[], list[str]]


@receiver(setting_changed)
def reopen_storage(*, setting: str, **kwargs: Any) -> None:
    """A test that changes STORAGES changes the storage in force."""
    if setting == "STORAGES":
        cast("LazyObject[PictureStorage]", picture_storage)._wrapped = empty


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("storages"):
        on_s3 = pytest.param(S3, marks=pytest.mark.s3)
        metafunc.parametrize("stored_on", [DISK, on_s3], indirect=True)


@pytest.fixture(scope="session")
def bucket_name(s3_server: s3.S3) -> str:
    return s3_server.make_bucket(f"pictures-{uuid.uuid4().hex[:12]}")


@dataclass(frozen=True)
class Bucket:
    """A part of a bucket that is a test's own."""

    server: s3.S3
    name: str
    prefix: str
    url: str
    keys: dict[str, str]

    def names(self) -> list[str]:
        """Every key, as the server has it."""
        pages = self.server.client().get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.name, Prefix=f"{self.prefix}/")
        return sorted(each["Key"] for page in listed for each in page.get("Contents", []))

    def describe(self) -> dict[str, Any]:
        return describe_storage(self.url, self.keys)


@pytest.fixture
def spare_bucket(s3_server: s3.S3, bucket_name: str) -> Bucket:
    """A place on the server that is not the storage in force."""
    prefix = f"{uuid.uuid4().hex[:12]}/images"
    url = f"s3://{bucket_name}/{prefix}?endpoint_url={s3_server.endpoint_url}&region=us-east-1"
    keys = {"access_key": s3_server.access_key, "secret_key": s3_server.secret_key}
    return Bucket(s3_server, bucket_name, prefix, url, keys)


@pytest.fixture
def bucket(spare_bucket: Bucket, settings: Settings, _watch_s3: None) -> Bucket:
    """The storage in force is a place of its own in a bucket."""
    settings.STORAGES = {**settings.STORAGES, "default": spare_bucket.describe()}
    return spare_bucket


@pytest.fixture(autouse=True)
def stored_on(request: pytest.FixtureRequest) -> str:
    """For every test, so that it comes before whatever stores a file."""
    on: str = getattr(request, "param", DISK)
    if on == S3:
        request.getfixturevalue("bucket")
    return on


ASKED = ("check", "check_room", "open", "size", "walk", "_write", "save_all", "move", "delete",
         "remove_empty_folder")  # fmt: skip
# Each request to S3 passes through this.
ASKED_OF_S3 = ("_asking", "check")
_asked_in_transactions: list[str] = []


def watch_calls(storage_class: type[PictureStorage], names: tuple[str, ...]) -> None:
    """Have calls in a transaction, other than the test's own, noted and refused."""
    for name in names:
        setattr(storage_class, name, _watched(getattr(storage_class, name)))


def _watched(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*arguments: Any, **options: Any) -> Any:
        # Django marks those that `TestCase` opens; `durable=True` passes over them alike.
        blocks: list[Any] = connection.atomic_blocks
        if not all(block._from_testcase for block in blocks):
            # Noted too, for what runs after a commit may raise whatever it likes.
            _asked_in_transactions.append(method.__qualname__)
            raise AssertionError(f"{method.__qualname__} is called in a transaction.")
        return method(*arguments, **options)

    return call


watch_calls(DiskStorage, ASKED)


@pytest.fixture(scope="session")
def _watch_s3() -> None:
    from images.storage.s3 import S3PictureStorage  # whose library takes long to load

    watch_calls(S3PictureStorage, ASKED_OF_S3)


@pytest.fixture(autouse=True)
def calls_in_transactions(stored_on: str) -> Iterator[list[str]]:
    """Return what was asked of a storage in a transaction; a test leaves it empty."""
    _asked_in_transactions.clear()
    yield _asked_in_transactions
    assert not _asked_in_transactions


@pytest.fixture
def stored_keys() -> StoredKeys:
    """Return a function that lists every file in the storage, drafts included."""
    return lambda: [each.key for each in picture_storage.walk("")]
