"""Expiring links: their tokens, and everything that ends them."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.services import disable, move_to_tier
from images.exceptions import LinkDurationOutOfBounds, LinkGone, LinkNotGranted
from images.links import (
    LinkToken,
    change_link,
    count_opening,
    delete_ended_links,
    make_link,
    open_link,
    read_token,
    set_missing_owners,
    write_token,
)
from images.models import Link
from images.services import delete_picture
from images.tasks import purge_ended_links
from tests.factories import make_picture, make_staff, tier
from tests.rows import make_row

numbers = st.integers(min_value=0, max_value=2**63 - 1)


# Tokens of the former form bear their end.
ends = st.none() | numbers


@given(numbers, ends)
def test_a_token_is_read_back_as_written(link_id: int, expires: int | None) -> None:
    token = LinkToken(link_id, expires)
    assert read_token(write_token(token)) == token


@given(st.text(max_size=80))
def test_random_text_is_no_token(text: str) -> None:
    assert read_token(text) is None


@given(numbers, ends, st.data())
def test_a_token_with_a_changed_character_is_invalid(
    link_id: int, expires: int | None, data: DataObject
) -> None:
    text = write_token(LinkToken(link_id, expires))
    position = data.draw(st.integers(0, len(text) - 1))
    changed = text[:position] + data.draw(st.characters()) + text[position + 1 :]
    assume(changed != text)
    assert read_token(changed) is None


def test_a_token_survives_the_rotation_of_the_key(settings: Settings) -> None:
    text = write_token(LinkToken(7, 8))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key, which is long enough"
    assert read_token(text) == LinkToken(7, 8)


@pytest.fixture
def link(alice: User) -> tuple[Link, LinkToken]:
    made, text = make_link(maker=alice, picture=make_picture(alice), seconds=300)
    token = read_token(text)
    assert token is not None
    return made, token


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [300, 30_000])
def test_the_tiers_bounds_for_links_are_included(alice: User, seconds: int) -> None:
    made, _ = make_link(maker=alice, picture=make_picture(alice), seconds=seconds)
    assert made.expires_at <= timezone.now() + timedelta(seconds=seconds)


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [299, 30_001])
def test_a_link_outside_the_tiers_bounds_is_refused(alice: User, seconds: int) -> None:
    with pytest.raises(LinkDurationOutOfBounds, match="from 300 to 30000 seconds"):
        make_link(maker=alice, picture=make_picture(alice), seconds=seconds)


@pytest.mark.django_db
def test_an_account_without_the_grant_cannot_make_links(alice: User) -> None:
    alice.tier = tier("Premium")
    with pytest.raises(LinkNotGranted):
        make_link(maker=alice, picture=make_picture(alice), seconds=300)


@pytest.mark.django_db
def test_opening_a_link_takes_one_query_and_counting_it_another(
    link: tuple[Link, LinkToken], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        found = open_link(link[1])
        assert found.picture.owner.tier.grants_original
        count_opening(found)
    assert Link.objects.get().opened == 1


@pytest.mark.django_db
def test_a_token_of_the_former_form_lives_to_its_own_end_whatever_its_row_says(
    link: tuple[Link, LinkToken], alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = int(timezone.now().timestamp())
    former, past = LinkToken(link[0].pk, now + 60), LinkToken(link[0].pk, now)
    change_link(link[0], changer=alice, seconds=30_000)
    assert open_link(former) == link[0]
    with django_assert_num_queries(0), pytest.raises(LinkGone):
        open_link(past)
    Link.objects.update(expires_at=timezone.now())
    with pytest.raises(LinkGone):
        open_link(former)


def test_the_signature_of_one_form_is_not_good_for_the_other() -> None:
    former = write_token(LinkToken(7, 8))
    message, _, signature = former.rpartition(".")
    assert read_token(f"{message.partition('.')[0]}.{signature}") is None


@pytest.mark.django_db
def test_the_owners_of_rows_of_an_older_release_are_written_later(
    link: tuple[Link, LinkToken], alice: User
) -> None:
    Link.objects.update(owner=None)
    purge_ended_links()
    assert Link.objects.get().owner == alice
    assert set_missing_owners() == 0


@pytest.mark.django_db
def test_a_revoked_link_is_gone(link: tuple[Link, LinkToken]) -> None:
    Link.objects.all().revoke()
    with pytest.raises(LinkGone):
        open_link(link[1])


@pytest.mark.django_db
def test_a_link_ends_with_its_picture(link: tuple[Link, LinkToken]) -> None:
    delete_picture(link[0].picture)
    with pytest.raises(LinkGone):
        open_link(link[1])


@pytest.mark.django_db
def test_a_link_ends_when_its_owners_account_is_disabled(
    link: tuple[Link, LinkToken], alice: User
) -> None:
    disable(alice)
    with pytest.raises(LinkGone):
        open_link(link[1])


@pytest.mark.django_db
@pytest.mark.parametrize("disabled", ["maker", "owner"])
def test_a_link_that_staff_made_ends_when_its_maker_or_its_owner_is_disabled(
    alice: User, bob: User, disabled: str
) -> None:
    """By a plain update too; each ends the link alone, and ends no other."""
    people = {"maker": make_staff("linker", "images.add_link"), "owner": alice}
    _, text = make_link(maker=people["maker"], picture=make_row(alice), seconds=300)
    _, of_bob = make_link(maker=bob, picture=make_row(bob), seconds=300)
    token, other = read_token(text), read_token(of_bob)
    assert token
    assert other
    assert open_link(token).maker == people["maker"]
    assert Link.objects.with_liveness().filter(opens_now=True).count() == 2
    User.objects.filter(pk=people[disabled].pk).update(is_active=False)
    with pytest.raises(LinkGone):
        open_link(token)
    assert open_link(other).maker == bob
    assert list(Link.objects.with_liveness().filter(opens_now=True)) == [open_link(other)]


@pytest.mark.django_db
@pytest.mark.parametrize("past", ["expires_at", "revoked_at"])
def test_a_link_is_gone_at_its_end_and_no_other_with_it(
    link: tuple[Link, LinkToken], alice: User, past: str
) -> None:
    _, text = make_link(maker=alice, picture=link[0].picture, seconds=300)
    other = read_token(text)
    assert other
    Link.objects.filter(pk=link[0].pk).update(**{past: timezone.now()})
    with pytest.raises(LinkGone):
        open_link(link[1])
    assert open_link(other).pk == other.link_id


@pytest.mark.django_db
def test_a_link_ends_when_its_maker_loses_the_grant(
    link: tuple[Link, LinkToken], alice: User
) -> None:
    move_to_tier(alice, tier("Premium"))
    with pytest.raises(LinkGone):
        open_link(link[1])


@pytest.mark.django_db
def test_links_past_their_retention_are_deleted(link: tuple[Link, LinkToken], alice: User) -> None:
    old, _ = make_link(maker=alice, picture=link[0].picture, seconds=300)
    Link.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(days=31))
    assert delete_ended_links() == 1
    assert list(Link.objects.all()) == [link[0]]
