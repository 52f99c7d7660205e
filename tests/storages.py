"""Where a test's files lie: a folder of its own, or its own prefix in a bucket on a real S3 server.

A test marked `storages` runs once on each.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import pytest
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.functional import LazyObject, empty
from pytest_django import Settings

from images.storage.base import PictureStorage, picture_storage
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
def bucket(spare_bucket: Bucket, settings: Settings) -> Bucket:
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


@pytest.fixture
def stored_keys() -> StoredKeys:
    """Return a function that lists every file in the storage, drafts included."""
    return lambda: [each.key for each in picture_storage.walk("")]
