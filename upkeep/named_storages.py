"""Storages that a command names by their URLs."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import cast

from django.conf import settings
from django.core.files.storage import storages

from images.storage.base import PictureStorage
from images.storage.keys import USERS
from images.storage.urls import describe_storage


def open_storage(url: str | None = None) -> PictureStorage:
    """Open the storage of a URL, or another instance of the one in force; raise InvalidStorageUrl.

    Unlike `picture_storage` it may be empty, whatever the rows name.
    """
    in_force = settings.STORAGES["default"]
    description = describe_storage(url, settings.STORAGE_DEFAULTS) if url else in_force
    return cast("PictureStorage", storages.create_storage(description))


@contextmanager
def probe_file(storage: PictureStorage) -> Iterator[str]:
    """Write a file under a random key, and delete it in every case.

    A storage that shows the key has the same files: by a link, a mount, or another name of a
    server. It lies among the accounts' folders, since these may be what is mounted; no picture's
    key is like it.
    """
    key = f"{USERS}/.probe-{uuid.uuid4().hex}"
    try:
        storage.write(key, BytesIO(b"probe"))
        yield key
    finally:
        storage.delete(key)
