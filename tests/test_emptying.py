"""What a test of transactions commits is gone after it; what was there before is there again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import TransactionTestCase

from accounts.models import Session, User
from images.models import Picture
from tests.emptying import Emptying
from tests.factories import bearer_client, make_picture, make_tier, make_user
from tiers.models import Tier, TierHeight

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]
KEPT = (Tier, TierHeight, Group, ContentType)
WRITTEN = (User, Session, Picture)


def rows_of(*models: type[Model]) -> list[list[str]]:
    return [sorted(map(_describe, model._default_manager.values())) for model in models]


def _describe(row: dict[str, Any]) -> str:
    return repr({name: value for name, value in row.items() if name != "updated_at"})


def test_rows_are_deleted_whatever_they_refer_to() -> None:
    emptying, before = Emptying(), rows_of(*KEPT)
    alice = make_user("alice", "Enterprise")
    make_picture(alice)
    bearer_client(alice)
    emptying.restore(TransactionTestCase())
    assert rows_of(*KEPT) == before
    assert rows_of(*WRITTEN) == [[], [], []]


@pytest.mark.unhurried
@pytest.mark.parametrize(
    "change",
    [
        lambda: make_user("alice", make_tier("Mine").name),
        lambda: Tier.objects.filter(name="Basic").delete(),
        lambda: Tier.objects.filter(name="Basic").update(max_pictures=1),
        lambda: Group.objects.all().delete(),
    ],
    ids=["added", "deleted", "changed", "all deleted"],
)
def test_rows_that_were_there_before_are_there_again(change: Callable[[], object]) -> None:
    emptying, before = Emptying(), rows_of(Tier, TierHeight)
    groups = [group.name for group in Group.objects.order_by("name")]
    change()
    emptying.restore(TransactionTestCase())
    assert rows_of(Tier, TierHeight) == before
    assert [group.name for group in Group.objects.order_by("name")] == groups
    assert rows_of(*WRITTEN) == [[], [], []]
