"""Storages that a command names: the one in force, or one by its address."""

from typing import Any, cast

from django.conf import settings
from django.core.files.storage import storages

from images.places import storage_at
from upkeep.copying import Place


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
    """Tell whether two storages keep their files in the same place."""
    return _where(one) == _where(other)


def _where(place: Place) -> tuple[str, ...]:
    bucket = getattr(place, "bucket_name", "")
    endpoint = getattr(place, "endpoint_url", "")
    return endpoint, bucket, str(place.location)
