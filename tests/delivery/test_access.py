"""Which file of a picture each kind of person gets, by which tier, and under which name."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from delivery import access
from delivery.access import (
    ServableFile,
    file_for,
    grants_original,
    in_format_of,
    is_original,
    name_for,
    original_for,
    rendering_source_for,
    size_in_pixels,
)
from delivery.stripped_copies import CopyNotKept
from images.exceptions import NotReady, NotRenderable, StrippingFailed
from images.models import STRIPPING_VERSION, Picture
from tests.factories import make_picture, make_staff, make_tier, make_user, tier
from tests.pictures import animation, png
from tests.rows import make_row, make_thumbnail_row
from thumbnails.models import Thumbnail

pytestmark = pytest.mark.django_db
NAME = "Grandma's garden.png"


def fresh(user: User) -> User:
    """Return an account as a request finds it."""
    return User.objects.select_related("tier").get(pk=user.pk)


def make_cleaned(owner: User, **fields: Any) -> Picture:
    """Make a row that says that its copy without metadata is stored."""
    made = make_row(owner, name=NAME, clean_version=STRIPPING_VERSION, **fields)
    Picture.objects.filter(pk=made.pk).update(
        clean_key=f"users/{owner.pk}/{made.uid}_clean.png", clean_bytes=900
    )
    return loaded(made)


def loaded(picture: Picture) -> Picture:
    return Picture.objects.with_owner().get(pk=picture.pk)


@pytest.fixture
def people(alice: User, bob: User, staff: User) -> dict[str, User | None]:
    """All have a tier of their own, which says nothing of what they get of others' pictures."""
    return {
        "owner": alice,
        "member": bob,
        "nobody": None,
        "superuser": staff,
        "viewer": make_staff("viewer", "images.view_picture"),
        "changer": make_staff("changer", "images.change_picture", "images.view_picture"),
        "linker": make_staff("linker", "images.add_link"),
    }


@pytest.mark.parametrize(
    ("tier_name", "granted"),
    [
        ("Enterprise", {"owner", "member", "nobody", "superuser", "viewer", "changer", "linker"}),
        ("Basic", {"superuser", "viewer", "changer"}),
    ],
)
def test_originals_leave_where_the_owners_tier_grants_them_and_to_staff_who_may_see_them(
    alice: User, people: dict[str, User | None], tier_name: str, granted: set[str]
) -> None:
    alice.tier = tier(tier_name)
    alice.save()
    owner = fresh(alice)
    assert {name for name, who in people.items() if grants_original(who, owner)} == granted


def test_no_tier_limits_a_superuser_nor_those_to_whom_its_own_pictures_leave(bob: User) -> None:
    """Where its rights rest in a session, its tier counts in that session."""
    root = make_user("root", "Basic", is_superuser=True)
    for viewer in (root, bob, None):
        assert grants_original(viewer, fresh(root))
    resting = fresh(root)
    resting.rest_rights()
    assert not grants_original(resting, fresh(root))
    assert grants_original(bob, fresh(root))


def test_what_staff_may_see_of_others_gives_them_no_more_of_their_own() -> None:
    viewer = make_staff("viewer", "images.view_picture")
    other = make_user("other", "Basic")
    assert (fresh(viewer).tier.grants_original, other.tier.grants_original) == (False, False)
    assert grants_original(fresh(viewer), fresh(other))
    assert not grants_original(fresh(viewer), fresh(viewer))


AS_UPLOADED = {"owner", "changer", "superuser"}


def test_the_original_leaves_as_uploaded_to_whoever_may_change_it_and_clean_to_everybody_else(
    alice: User, people: dict[str, User | None]
) -> None:
    picture = make_cleaned(alice)
    for name, who in people.items():
        found = original_for(who, picture)
        is_own = name in AS_UPLOADED
        key = picture.key if is_own else picture.clean_key
        assert found == ServableFile(key, "image/png", NAME if is_own else ""), name
        assert name_for(who, picture) == (NAME if is_own else "")
        assert is_original(picture, found)


def test_a_tier_that_cleans_nothing_gives_everybody_what_was_uploaded(
    alice: User, people: dict[str, User | None]
) -> None:
    """Under the name that is ours, all the same."""
    alice.tier.cleans_originals = False
    alice.tier.save()
    picture = make_cleaned(alice)
    for name, who in people.items():
        assert original_for(who, picture) == ServableFile(
            picture.key, "image/png", NAME if name in AS_UPLOADED else ""
        )


def test_where_no_original_is_granted_there_is_the_tallest_thumbnail(
    bob: User, alice: User
) -> None:
    bob.tier = make_tier("Poster", [100, 300, 200])
    bob.save()
    picture = loaded(make_row(bob, name=NAME, visibility="public"))
    of_another = make_thumbnail_row(make_row(bob), 300)
    for height in (200, 300, 100, 400):
        make_thumbnail_row(picture, height)
    tallest = Thumbnail.objects.get(picture=picture, height=300)
    for viewer, name in ((bob, NAME), (alice, ""), (None, "")):
        assert original_for(viewer, picture) is None
        found = file_for(viewer, picture)
        assert found == ServableFile(tallest.key, "image/png", name)
        assert rendering_source_for(viewer, picture) == tallest.key
        assert not is_original(picture, found)
        assert size_in_pixels(picture, found) == (450, 300)
    tallest.delete()
    lower = Thumbnail.objects.get(picture=picture, height=200)
    assert file_for(bob, picture).key == lower.key != of_another.key


def test_the_name_of_what_was_made_ends_as_its_format_says(bob: User) -> None:
    bob.tier = make_tier("Poster")
    bob.save()
    picture = loaded(make_row(bob, name=NAME))
    made = make_thumbnail_row(picture)
    made.key = made.key.replace(".png", ".jpg")
    made.save()
    assert file_for(bob, picture).name == "Grandma's garden.jpg"
    assert in_format_of("", made.key) == ""
    assert in_format_of("a.b.gif", "users/x/y.webp") == "a.b.webp"


def test_without_a_thumbnail_it_is_not_ready_or_never_will_be(alice: User) -> None:
    alice.tier = make_tier("Poster")
    alice.save()
    for rendering, error in (("pending", NotReady), ("failed", NotRenderable)):
        picture = loaded(make_row(alice, rendering=rendering))
        with pytest.raises(error):
            file_for(alice, picture)


@pytest.mark.parametrize("visibility", ["private", "members", "public"])
def test_a_file_is_for_whoever_may_see_the_picture_and_for_whoever_has_a_link(
    alice: User, people: dict[str, User | None], visibility: str
) -> None:
    picture = make_cleaned(alice, visibility=visibility)
    seen_by = {"owner", "superuser", "viewer", "changer"}
    seen_by |= {"members": {"member", "linker"}, "public": set(people)}.get(visibility, set())
    for name, who in people.items():
        own = picture.key if name in AS_UPLOADED else picture.clean_key
        assert file_for(who, picture, by_link=True).key == own
        if name in seen_by:
            assert file_for(who, picture).key == own
            assert rendering_source_for(who, picture) == picture.key
            continue
        for find in (file_for, rendering_source_for):
            with pytest.raises(Picture.DoesNotExist):
                find(who, picture)


def test_what_is_shown_of_a_picture_is_as_large_as_it_says(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """A rendition of all of it, which is no thumbnail, is as large as the picture."""
    picture = make_cleaned(alice)
    small = make_thumbnail_row(picture)
    make_thumbnail_row(make_row(alice), 400)
    for key, size in (
        (picture.key, (900, 600)), (picture.clean_key, (900, 600)), (small.key, (300, 200)),
        ("users/a/rendition.jpg", (900, 600)),
    ):  # fmt: skip
        with django_assert_num_queries(0 if key in {picture.key, picture.clean_key} else 1):
            assert size_in_pixels(picture, ServableFile(key, "image/png")) == size


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that says why no copy without metadata is made from now on."""

    def fail_with(error: Exception) -> None:
        def fail(picture: Picture) -> str:
            raise error

        monkeypatch.setattr(access, "stripped_key", fail)

    return fail_with


def test_while_a_disk_takes_no_copy_strangers_get_the_best_thumbnail(
    alice: User, bob: User, failing: Any
) -> None:
    picture = loaded(make_row(alice, visibility="public"))
    best = make_thumbnail_row(picture, 400)
    failing(CopyNotKept("There is no room for the copy."))
    assert file_for(bob, picture).key == best.key
    # Their list has an address of the picture, too.
    assert original_for(bob, picture) == file_for(bob, picture)
    assert file_for(alice, picture).key == picture.key


def test_what_cannot_be_cleaned_leaves_as_a_rendition_and_what_moves_as_a_thumbnail(
    alice: User, bob: User, failing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(StrippingFailed("The picture's metadata cannot be removed."))
    still = loaded(make_picture(alice, png(30, 20), visibility="public"))
    moving = loaded(
        make_picture(
            alice, animation("GIF", [(9, 9, 9), (200, 0, 0)], [50, 50]), visibility="public"
        )
    )
    thumbnails = {each: make_thumbnail_row(each, 400) for each in (still, moving)}
    found = file_for(bob, still)
    assert found.content_type == "image/jpeg"
    assert found.key not in {still.key, thumbnails[still].key}
    assert size_in_pixels(still, found) == (30, 20)
    assert file_for(bob, moving).key == thumbnails[moving].key
    assert original_for(bob, moving) == file_for(bob, moving)

    def fail(*_: object) -> str:
        raise NotRenderable

    monkeypatch.setattr(access, "rendition_key", fail)
    assert file_for(bob, still).key == thumbnails[still].key
    assert original_for(bob, still) == file_for(bob, still)
    assert file_for(alice, still).key == still.key


@pytest.mark.parametrize(
    ("format_name", "frames", "moves"),
    [("GIF", 2, True), ("WEBP", 2, True), ("GIF", 1, False), ("TIFF", 2, False)],
)
def test_what_cannot_be_cleaned_leaves_as_a_thumbnail_only_where_thumbnails_move_as_it_does(
    alice: User,
    bob: User,
    failing: Any,
    monkeypatch: pytest.MonkeyPatch,
    format_name: str,
    frames: int,
    moves: bool,
) -> None:
    failing(StrippingFailed("The picture's metadata cannot be removed."))
    monkeypatch.setattr(access, "rendition_key", lambda *_: "users/a/rendition.jpg")
    picture = loaded(make_row(alice, visibility="public", format=format_name, frames=frames))
    thumbnail = make_thumbnail_row(picture, 400)
    assert file_for(bob, picture).key == (thumbnail.key if moves else "users/a/rendition.jpg")
