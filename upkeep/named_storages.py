"""Storages that a command names: the one in force, or one by its address."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, cast

from django.conf import settings
from django.core.files.storage import storages

from images.storage.base import PictureStorage
from images.storage.urls import storage_at
from upkeep.copying import FOLDER


def described(url: str | None) -> dict[str, Any]:
    """Describe the storage at an address, or the one in force; raises BadPlace."""
    if url:
        return storage_at(url, settings.STORAGE_DEFAULTS)
    in_force: dict[str, Any] = settings.STORAGES["default"]
    return in_force


def opened(description: dict[str, Any]) -> PictureStorage:
    """Open a described storage."""
    return cast("PictureStorage", storages.create_storage(description))


def are_same(one: PictureStorage, other: PictureStorage) -> bool:
    """Tell whether two storages are spelt alike; only a `probe` tells what is one in truth."""
    return one.url == other.url


@contextmanager
def probe(place: PictureStorage) -> Iterator[str]:
    """Keep a file under a random key in a storage, and remove it in every case.

    Who sees the key elsewhere sees the same files: by a link, a mount, or another name of a server.
    It lies among the accounts' folders, since these may be what is mounted; no picture's key is
    like it.
    """
    key = f"{FOLDER}.probe-{uuid.uuid4().hex}"
    try:
        place.write(key, BytesIO(b"probe"))
        yield key
    finally:
        place.delete(key)
