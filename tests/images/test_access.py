"""Who may see a picture, change it, and act for its owner."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from images.access import active_picture, may_act_for, may_change, may_see
from images.exceptions import NoActivePicture
from images.models import Link, Picture
from images.permissions import PicturePermission
from tests.factories import make_picture, make_staff
from tests.rows import make_row

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("visibility", Picture.Visibility.values)
def test_visible_to_is_may_see_as_a_query(
    alice: User, bob: User, staff: User, visibility: str, is_closed: bool
) -> None:
    picture = make_picture(alice, visibility=visibility)
    if is_closed:
        User.objects.filter(pk=alice.pk).update(removal_due_at=timezone.now())
        picture = Picture.objects.with_owner().get()
    for viewer in (alice, bob, staff, None):
        found = Picture.objects.visible_to(viewer).filter(pk=picture.pk).exists()
        assert found == may_see(viewer, picture), viewer
        assert not (is_closed and found)


# Who sees a picture of each visibility.
SEEN_BY = {
    "private": {"alice", "staff", "viewer"},
    "members": {"alice", "staff", "viewer", "bob", "linker"},
    "public": {"alice", "staff", "viewer", "bob", "linker", "nobody"},
}


@pytest.mark.parametrize("visibility", Picture.Visibility.values)
def test_who_sees_a_picture_follows_from_its_visibility(
    alice: User, bob: User, staff: User, visibility: str
) -> None:
    picture = make_row(alice, visibility=visibility)
    people: dict[str, User | None] = {"alice": alice, "bob": bob, "staff": staff, "nobody": None}
    people["viewer"] = make_staff("viewer", "images.view_picture")
    people["linker"] = make_staff("linker", "images.add_link")
    assert {name for name, who in people.items() if may_see(who, picture)} == SEEN_BY[visibility]


def test_a_picture_is_changed_by_its_owner_and_staff_who_may(
    alice: User, bob: User, staff: User
) -> None:
    picture = make_row(alice, visibility="public")
    changer, viewer = (
        make_staff(f"{each}r", f"images.{each}_picture") for each in ("change", "view")
    )
    assert [may_change(each, picture) for each in (alice, staff, changer)] == [True] * 3
    assert [may_change(each, picture) for each in (bob, viewer)] == [False] * 2
    assert may_act_for(alice, alice.pk, PicturePermission.DELETE)
    assert not may_act_for(changer, alice.pk, PicturePermission.DELETE)


def test_of_an_accounts_pictures_its_owner_is_shown_all_and_others_what_they_may_see(
    alice: User, bob: User
) -> None:
    pictures = {each: make_row(alice, visibility=each) for each in Picture.Visibility.values}
    make_row(bob, visibility="public")
    viewer = make_staff("viewer", "images.view_picture")

    def shown_to(who: User) -> set[str]:
        found = Picture.objects.of_account(alice.pk, who)
        assert set(found) <= set(pictures.values())
        return {each.visibility for each in found}

    assert shown_to(alice) == shown_to(viewer) == set(pictures)
    assert shown_to(bob) == {"members", "public"}
    User.objects.filter(pk=alice.pk).update(removal_due_at=timezone.now())
    assert shown_to(bob) == shown_to(viewer) == set()


def test_links_are_reached_by_the_owner_and_by_their_maker_while_staff_may_make_them(
    alice: User, bob: User, staff: User
) -> None:
    linker = make_staff("linker", "images.add_link")
    picture, later = make_row(alice), timezone.now() + timedelta(hours=1)
    hers, theirs = (
        Link.objects.create(picture=picture, maker=maker, expires_at=later)
        for maker in (alice, linker)
    )

    def reached_by(who: User) -> set[Link]:
        return set(Link.objects.in_reach_of(User.objects.get(pk=who.pk)))

    assert reached_by(alice) == reached_by(staff) == {hers, theirs}
    assert (reached_by(linker), reached_by(bob)) == ({theirs}, set())
    linker.user_permissions.clear()
    assert reached_by(linker) == set()


def test_the_active_picture_is_an_accounts_own_and_follows_its_visibility(
    alice: User, bob: User
) -> None:
    with pytest.raises(NoActivePicture):
        active_picture(alice, alice.pk)
    for owner in (bob, alice):
        make_row(owner)
    # What is not active is not shown, however new it is.
    with pytest.raises(NoActivePicture):
        active_picture(alice, alice.pk)
    for owner in (bob, alice):
        make_row(owner, is_active=True)
        make_row(owner)
    mine = Picture.objects.get(owner=alice, is_active=True)
    assert active_picture(alice, alice.pk) == mine
    for viewer in (bob, None):
        with pytest.raises(NoActivePicture):
            active_picture(viewer, alice.pk)
    Picture.objects.filter(pk=mine.pk).update(visibility="members")
    assert active_picture(bob, alice.pk) == mine
    with pytest.raises(NoActivePicture):
        active_picture(None, alice.pk)
    Picture.objects.filter(pk=mine.pk).update(visibility="public")
    assert active_picture(None, alice.pk) == mine
