import pytest

from accounts.models import User
from images.models import Picture
from notifications.models import PictureEvent
from tests.factories import make_picture
from thumbnails import deletion

pytestmark = pytest.mark.django_db


def told_of(user: User, after: int) -> list[tuple[str, int | None]]:
    events = PictureEvent.objects.filter(owner=user, sequence__gt=after).order_by("sequence")
    return [(each.type, (each.picture or {}).get("id")) for each in events]


def last_sequence(user: User) -> int:
    return PictureEvent.objects.filter(owner=user).latest("sequence").sequence


def test_a_small_account_is_told_once_that_its_pictures_are_gone(alice: User) -> None:
    for _ in range(3):
        make_picture(alice)
    before = last_sequence(alice)
    assert deletion.delete_all(alice.pk) == 3
    assert told_of(alice, before) == [("pictures.cleared", None)]


def test_a_large_account_is_told_again_of_what_went_after_the_clearing(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at the clearing sees the later batches still, and must look again."""
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 2)
    pictures = [make_picture(alice) for _ in range(5)]
    kept = make_picture(bob)
    before = last_sequence(alice)
    assert deletion.delete_all(alice.pk) == 5
    cleared, *later = told_of(alice, before)
    assert cleared == ("pictures.cleared", None)
    assert later == [("picture.deleted", each.pk) for each in pictures[2:]]
    assert list(Picture.objects.all()) == [kept]
