"""Storages that a command names: the one in force, or one by its address."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from images.storage.urls import storage_at
from upkeep.copying import FOLDER, Place


def described(url: str | None) -> dict[str, Any]:
    """Describe the storage at an address, or the one in force; raises BadPlace."""
    if url:
        return storage_at(url, settings.STORAGE_DEFAULTS)
    in_force: dict[str, Any] = settings.STORAGES["default"]
    return in_force


def opened(description: dict[str, Any]) -> Place:
    """Open a described storage."""
    return cast("Place", storages.create_storage(description))


def are_same(one: Place, other: Place) -> bool:
    """Tell whether two storages are spelt alike; only a `probe` tells what is one in truth."""
    return _where(one) == _where(other)


@contextmanager
def probe(place: Place) -> Iterator[str]:
    """Keep a file under a random key in a storage, and remove it in every case.

    Who sees the key elsewhere sees the same files: by a link, a mount, or another name of a server.
    It lies among the accounts' folders, since these may be what is mounted; no picture's key is
    like it.
    """
    key = f"{FOLDER}.probe-{uuid.uuid4().hex}"
    try:
        place.save(key, ContentFile(b"probe"))
        yield key
    finally:
        place.delete(key)


def _where(place: Place) -> tuple[str, ...]:
    bucket = getattr(place, "bucket_name", "")
    endpoint = getattr(place, "endpoint_url", "")
    return endpoint, bucket, str(place.location)
