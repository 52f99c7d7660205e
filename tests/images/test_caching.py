"""Cached lists: computed once, and again after a change."""

import uuid
from collections.abc import Callable

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from images.caching import cached, invalidate

OWNER, OTHER = uuid.uuid4(), uuid.uuid4()


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
    first = cached(OWNER, "page-1", compute)
    assert cached(OWNER, "page-1", compute) == first
    assert cached(OWNER, "page-2", compute) != first
    assert cached(OTHER, "page-1", compute) != first


@pytest.mark.django_db
def test_a_change_drops_the_lists_of_its_owner_alone(
    compute: Callable[[], list[int]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first, other = cached(OWNER, "page", compute), cached(OTHER, "page", compute)
    with django_capture_on_commit_callbacks(execute=True):
        invalidate(OWNER)
    assert cached(OWNER, "page", compute) != first
    assert cached(OTHER, "page", compute) == other


@pytest.mark.django_db
def test_a_list_stays_cached_until_the_change_is_committed(
    compute: Callable[[], list[int]],
) -> None:
    first = cached(OWNER, "page", compute)
    with transaction.atomic():
        invalidate(OWNER)
        assert cached(OWNER, "page", compute) == first
        transaction.set_rollback(True)
    assert cached(OWNER, "page", compute) == first


def test_without_cache_seconds_nothing_is_cached(
    compute: Callable[[], list[int]], settings: Settings
) -> None:
    settings.CACHE_SECONDS = 0
    assert cached(OWNER, "page", compute) != cached(OWNER, "page", compute)
