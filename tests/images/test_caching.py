"""Cached lists: computed once, and again after a change."""

import uuid
from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from images.caching import cached, invalidate

OWNER, OTHER = uuid.uuid4(), uuid.uuid4()


def read(owner_id: uuid.UUID, name: str, compute: Callable[[], list[int]]) -> list[int]:
    return cached(owner_id, name, compute, is_valid=lambda value: isinstance(value, list))


@pytest.fixture
def compute(settings: Settings) -> Callable[[], list[int]]:
    """Return a function that returns another list at each call."""
    settings.CACHE_SECONDS = 10
    calls: list[int] = []

    def compute() -> list[int]:
        calls.append(len(calls))
        return list(calls)

    return compute


def test_a_list_is_computed_once_for_each_owner_and_name(compute: Callable[[], list[int]]) -> None:
    first = read(OWNER, "page-1", compute)
    assert read(OWNER, "page-1", compute) == first
    assert read(OWNER, "page-2", compute) != first
    assert read(OTHER, "page-1", compute) != first


@pytest.mark.django_db
def test_a_change_drops_the_lists_of_its_owner_alone(
    compute: Callable[[], list[int]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first, other = read(OWNER, "page", compute), read(OTHER, "page", compute)
    with django_capture_on_commit_callbacks(execute=True):
        invalidate(OWNER)
    assert read(OWNER, "page", compute) != first
    assert read(OTHER, "page", compute) == other


@pytest.mark.django_db
def test_a_list_stays_cached_until_the_change_is_committed(
    compute: Callable[[], list[int]],
) -> None:
    first = read(OWNER, "page", compute)
    with transaction.atomic():
        invalidate(OWNER)
        assert read(OWNER, "page", compute) == first
        transaction.set_rollback(True)
    assert read(OWNER, "page", compute) == first


def test_without_cache_seconds_nothing_is_cached(
    compute: Callable[[], list[int]], settings: Settings
) -> None:
    settings.CACHE_SECONDS = 0
    assert read(OWNER, "page", compute) != read(OWNER, "page", compute)


@pytest.mark.parametrize(
    "poison", [b"\x80\x04\x95", b"{", b"[" * 5000, b"5", b'{"rows": 1}', b"\xff"]
)
def test_an_entry_that_something_else_wrote_counts_as_none(
    compute: Callable[[], list[int]], poison: bytes
) -> None:
    first = read(OWNER, "page", compute)
    client = cache._cache.get_client()  # type: ignore[attr-defined]  # of Django's Redis backend
    for key in client.keys(f"*{OWNER}*"):
        client.set(key, poison)
    second = read(OWNER, "page", compute)
    assert second != first
    assert read(OWNER, "page", compute) == second
