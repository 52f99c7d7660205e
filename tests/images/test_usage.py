"""Whether a tier has room for one more picture, and what an account stores."""

from typing import Any

import pytest

from accounts.models import User
from images.exceptions import QuotaExceeded
from images.ledger import Column, Usage
from images.usage import accepts, check_quota, usage_of
from tiers.models import Tier

STORED = {"originals_bytes": 50, "thumbnails_bytes": 30, "other_bytes": 10}


@pytest.mark.parametrize(
    ("limits", "pictures", "size", "has_room"),
    [
        ({}, 10**6, 10**12, True),
        ({"max_pictures": 2}, 1, 1, True),
        ({"max_pictures": 2}, 2, 1, False),
        ({"max_pictures": 0}, 0, 1, False),
        ({"max_stored_bytes": 100}, 10**6, 10, True),
        ({"max_stored_bytes": 100}, 0, 11, False),
        ({"max_stored_bytes": 100, "max_pictures": 2}, 1, 10, True),
        ({"max_stored_bytes": 100, "max_pictures": 2}, 1, 11, False),
        ({"max_stored_bytes": 100, "max_pictures": 2}, 2, 10, False),
    ],
)
def test_a_tier_has_room_up_to_each_of_its_limits_and_without_end_where_it_has_none(
    limits: dict[str, int], pictures: int, size: int, has_room: bool
) -> None:
    fields: dict[str, Any] = {"max_pictures": None, "max_stored_bytes": None, **limits}
    owner = User(tier=Tier(max_upload_bytes=10**12, **fields))
    usage = Usage(owner=owner, pictures=pictures, **STORED)
    assert accepts(owner, usage, size) == has_room
    if has_room:
        check_quota(owner, usage, size)
    else:
        with pytest.raises(QuotaExceeded):
            check_quota(owner, usage, size)


def test_no_upload_is_accepted_that_is_larger_than_any_may_be() -> None:
    owner = User(tier=Tier(max_upload_bytes=100, max_pictures=None, max_stored_bytes=None))
    assert accepts(owner, Usage(), 100)
    assert not accepts(owner, Usage(), 101)


@pytest.mark.django_db
def test_an_account_stores_what_its_own_row_says_and_nothing_without_one(
    alice: User, bob: User
) -> None:
    Usage.objects.create(owner=bob, pictures=3, **STORED)
    assert usage_of(bob.pk).amounts == {Column.PICTURES: 3} | {
        Column(name): size for name, size in STORED.items()
    }
    assert usage_of(alice.pk).owner_id == alice.pk
    assert set(usage_of(alice.pk).amounts.values()) == {0}


@pytest.mark.django_db
def test_what_an_older_release_deleted_leaves_no_room_beyond_the_tiers(alice: User) -> None:
    """It counted nothing, so that amounts fall below zero until they are counted again."""
    Usage.objects.create(owner=alice, pictures=-2, originals_bytes=-50, thumbnails_bytes=30)
    usage = usage_of(alice.pk)
    assert (usage.pictures, usage.originals_bytes, usage.stored_bytes) == (0, 0, 30)
