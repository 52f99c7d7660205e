"""Expiring links: their tokens, and everything that ends them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies._internal.core import DataObject
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import SecurityEvent, User
from accounts.services import disable, move_to_tier
from images.exceptions import LinkDurationOutOfBounds, LinkGone, LinkNotGranted, LinkRevoked
from images.links import (
    LinkToken,
    change_link,
    count_opening,
    delete_ended_links,
    make_link,
    open_link,
    open_own_link,
    read_token,
    require_link_grant,
    revoke_links_of,
    set_missing_owners,
    write_token,
)
from images.models import Link, Picture
from images.services import delete_picture
from images.tasks import purge_ended_links
from lib.signing import make_signature
from tests.factories import make_picture, make_staff, make_user, tier
from tests.rows import make_row

NOW = datetime(2026, 5, 4, tzinfo=UTC)
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
    """After the first, of which the owner is told."""
    count_opening(open_link(link[1]))
    with django_assert_num_queries(2):
        found = open_link(link[1])
        assert found.picture.owner.tier.grants_original
        count_opening(found)
    assert Link.objects.get().opened == 2


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
    link: tuple[Link, LinkToken], alice: User, bob: User
) -> None:
    make_link(maker=bob, picture=make_row(bob), seconds=300)
    Link.objects.update(owner=None)
    purge_ended_links()
    assert {each.owner for each in Link.objects.all()} == {alice, bob}
    assert all(each.owner == each.picture.owner for each in Link.objects.all())
    assert set_missing_owners() == 0


@pytest.mark.django_db
def test_a_revoked_link_is_gone(link: tuple[Link, LinkToken]) -> None:
    Link.objects.all().revoke()
    with pytest.raises(LinkGone):
        open_link(link[1])


@pytest.mark.django_db
def test_the_owners_of_older_rows_are_written_batch_by_batch(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("images.links.BATCH_SIZE", 2)
    for owner in (alice, bob, alice):
        make_link(maker=owner, picture=make_row(owner), seconds=300)
    Link.objects.update(owner=None)
    assert [set_missing_owners() for _ in range(3)] == [2, 1, 0]
    assert [each.owner for each in Link.objects.order_by("pk")] == [alice, bob, alice]


@pytest.mark.django_db
def test_the_short_way_to_the_bytes_opens_what_the_long_way_opens(
    link: tuple[Link, LinkToken], alice: User, bob: User
) -> None:
    """It leaves alone what staff made for another, which takes more to decide."""
    linker = make_staff("linker", "images.add_link")
    _, of_staff = make_link(maker=linker, picture=link[0].picture, seconds=300)
    _, of_bob = make_link(maker=bob, picture=make_row(bob), seconds=300)
    for text, is_own in ((of_staff, False), (of_bob, True), (write_token(link[1]), True)):
        token = read_token(text)
        assert token
        found = open_own_link(token)
        assert (found is not None) is is_own
        if found:
            assert (found.pk, found.picture) == (token.link_id, open_link(token).picture)
            assert found.maker == found.picture.owner
    for change in (
        lambda: User.objects.filter(pk=alice.pk).update(tier=tier("Premium")),
        lambda: User.objects.filter(pk=alice.pk).update(tier=tier("Enterprise"), is_active=False),
        lambda: Link.objects.filter(pk=link[0].pk).delete(),
    ):
        change()
        with pytest.raises(LinkGone):
            open_own_link(link[1])
    with pytest.raises(LinkGone):
        open_own_link(LinkToken(0))


@pytest.mark.django_db
def test_the_short_way_to_the_bytes_takes_one_query(
    link: tuple[Link, LinkToken], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert open_own_link(link[1])


@pytest.mark.django_db
def test_each_opening_counts_one_and_says_when(link: tuple[Link, LinkToken], bob: User) -> None:
    """The first and each that follows, also where another was counted since the row was read."""
    other, _ = make_link(maker=bob, picture=make_row(bob), seconds=300)
    stale = open_link(link[1])
    for opened, found in enumerate((open_link(link[1]), stale, stale), 1):
        Link.objects.update(last_opened_at=None)
        count_opening(found)
        row = Link.objects.get(pk=link[0].pk)
        assert row.opened == opened
        assert row.last_opened_at
        assert timezone.now() - row.last_opened_at < timedelta(minutes=1)
    other.refresh_from_db()
    assert (other.opened, other.last_opened_at) == (0, None)


@pytest.mark.django_db
def test_a_link_is_stored_with_all_that_it_was_made_with(alice: User) -> None:
    picture = make_row(alice)
    before = timezone.now()
    made, text = make_link(
        maker=alice, picture=picture, seconds=300, max_opens=3, password="boat", note="for Ana"
    )
    row = Link.objects.get()
    token = read_token(text)
    assert token == LinkToken(row.pk)
    assert (row.pk, row.picture, row.owner, row.maker) == (made.pk, picture, alice, alice)
    assert (row.max_opens, row.note, row.cache_seconds) == (3, "for Ana", 0)
    assert row.password
    assert "boat" not in row.password
    assert timedelta(seconds=299) <= row.expires_at - before <= timedelta(seconds=301)
    assert row.expires_at.microsecond == 0
    event = SecurityEvent.objects.get(kind="link.made")
    assert event.user_id == alice.pk
    assert event.facts == {"link": row.pk, "picture": str(picture.uid)}
    plain, _ = make_link(maker=alice, picture=picture, seconds=300)
    assert (plain.password, plain.max_opens, plain.note) == ("", None, "")


@pytest.mark.django_db
def test_no_link_is_made_to_a_picture_that_was_deleted_meanwhile(alice: User) -> None:
    picture = make_row(alice)
    delete_picture(Picture.objects.get(pk=picture.pk))
    with pytest.raises(Picture.DoesNotExist):
        make_link(maker=alice, picture=picture, seconds=300)
    assert not Link.objects.exists()


@pytest.mark.django_db
def test_a_superuser_makes_links_whatever_the_tier_says(alice: User, bob: User) -> None:
    root = make_user("root", "Basic", is_superuser=True)
    for owner in (root, alice):
        made, _ = make_link(maker=root, picture=make_row(owner), seconds=root.tier.link_min_seconds)
        assert open_link(LinkToken(made.pk)).maker == root


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
@pytest.mark.parametrize("is_superuser", [False, True])
@pytest.mark.parametrize("disabled", ["maker", "owner"])
def test_a_link_that_staff_made_ends_when_its_maker_or_its_owner_is_disabled(
    alice: User, bob: User, disabled: str, is_superuser: bool
) -> None:
    """By a plain update too; each ends the link alone, and ends no other."""
    maker = make_staff("linker", "images.add_link")
    maker.is_superuser = is_superuser
    maker.save()
    people = {"maker": maker, "owner": alice}
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


@pytest.mark.parametrize("text", ["", "."])
def test_a_token_without_a_row_is_none_though_it_were_signed(text: str) -> None:
    assert read_token(f"{text}{make_signature('link', '')}") is None


@pytest.mark.django_db
def test_links_may_be_made_by_whom_the_tier_or_a_permission_grants_them(alice: User) -> None:
    for granted in (alice, make_staff("linker", "images.add_link")):
        require_link_grant(granted)
    for other in (make_staff("clerk", "images.view_picture"), make_user("carol", "Premium")):
        with pytest.raises(LinkNotGranted):
            require_link_grant(other)


@pytest.mark.django_db
@pytest.mark.parametrize("more", [{"password": "x"}, {"max_opens": 1}])
def test_bytes_behind_a_question_may_not_be_kept(alice: User, more: dict[str, Any]) -> None:
    picture = make_row(alice)
    with pytest.raises(ValidationError) as refused:
        make_link(maker=alice, picture=picture, seconds=300, cache_seconds=1, **more)
    assert list(refused.value.message_dict) == ["cache_seconds"]
    made, _ = make_link(maker=alice, picture=picture, seconds=300, cache_seconds=0, **more)
    assert made.asks_first
    kept, _ = make_link(maker=alice, picture=picture, seconds=300, cache_seconds=60)
    assert (kept.cache_seconds, kept.asks_first) == (60, False)


@pytest.mark.django_db
def test_a_change_of_the_note_leaves_the_end_and_is_no_event(
    link: tuple[Link, LinkToken], alice: User
) -> None:
    end = Link.objects.get().expires_at
    change_link(link[0], changer=alice, note="for the printer")
    changed = Link.objects.get()
    assert (changed.note, changed.expires_at) == ("for the printer", end)
    assert not SecurityEvent.objects.filter(kind="link.changed").exists()
    change_link(link[0], changer=alice, seconds=400, note=None)
    changed = Link.objects.get()
    assert changed.note == "for the printer"
    assert timedelta(seconds=395) < changed.expires_at - timezone.now() <= timedelta(seconds=400)
    facts = SecurityEvent.objects.get(kind="link.changed").facts
    assert facts == {"link": link[0].pk, "expires": str(changed.expires_at)}


@pytest.mark.django_db
def test_every_process_is_told_whose_links_were_changed_or_revoked(
    link: tuple[Link, LinkToken],
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Each may have kept what a link leads to, for a moment."""
    heard: list[str] = []
    monkeypatch.setattr("images.changes._publish", heard.append)
    acts: list[tuple[Callable[[], object], bool]] = [
        (lambda: change_link(link[0], changer=alice, note="x"), True),
        (lambda: change_link(link[0], changer=alice, seconds=400), True),
        (lambda: revoke_links_of(alice), True),
        (lambda: revoke_links_of(alice), False),
    ]
    for act, is_told in acts:
        heard.clear()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        assert set(heard) == ({str(alice.pk)} if is_told else set())


@pytest.mark.django_db
def test_a_token_of_the_former_form_ends_at_the_moment_that_it_names(
    link: tuple[Link, LinkToken], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = int(timezone.now().timestamp()) + 60
    former = LinkToken(link[0].pk, end)
    for seconds, is_open in ((-0.001, True), (0, False)):
        moment = datetime.fromtimestamp(end + seconds, UTC)
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        if is_open:
            assert open_link(former) == link[0]
        else:
            with pytest.raises(LinkGone):
                open_link(former)


@pytest.mark.django_db
def test_a_link_that_is_revoked_or_gone_cannot_be_changed(
    link: tuple[Link, LinkToken], alice: User
) -> None:
    """Another of the same picture is there and stays as it was."""
    other, _ = make_link(maker=alice, picture=link[0].picture, seconds=300)
    before = Link.objects.filter(pk=other.pk).values().get()
    Link.objects.filter(pk=link[0].pk).revoke()
    with pytest.raises(LinkRevoked):
        change_link(link[0], changer=alice, seconds=300)
    Link.objects.filter(pk=link[0].pk).delete()
    with pytest.raises(Link.DoesNotExist):
        change_link(link[0], changer=alice, note="x")
    with pytest.raises(LinkDurationOutOfBounds):
        change_link(other, changer=alice, seconds=299)
    alice.tier = tier("Premium")
    with pytest.raises(LinkNotGranted):
        change_link(other, changer=alice, seconds=300)
    assert Link.objects.filter(pk=other.pk).values().get() == before


@pytest.mark.parametrize(
    ("end", "is_over", "is_live"),
    [
        ({}, False, True),
        ({"max_opens": 2, "opened": 1}, False, True),
        ({"max_opens": 1, "opened": 1}, False, False),
        ({"revoked_at": NOW}, True, False),
        ({"expires_at": NOW}, True, False),
    ],
)
def test_a_link_is_live_until_its_first_end(
    end: dict[str, Any], is_over: bool, is_live: bool
) -> None:
    link = Link(**({"expires_at": NOW + timedelta(seconds=1)} | end))
    assert (link.is_over(NOW), link.is_live(NOW)) == (is_over, is_live)


@pytest.mark.django_db
def test_revoking_says_how_many_were_live(alice: User, bob: User) -> None:
    picture = make_row(alice)
    revoked, *_ = (make_link(maker=alice, picture=picture, seconds=300)[0] for _ in range(3))
    make_link(maker=bob, picture=make_row(bob), seconds=300)
    assert Link.objects.filter(pk=revoked.pk).revoke() == 1
    assert Link.objects.filter(owner=alice).revoke() == 2
    assert Link.objects.filter(owner=alice).revoke() == 0
    assert Link.objects.filter(revoked_at=None).count() == 1


@pytest.mark.django_db
def test_all_links_to_an_accounts_pictures_are_revoked_those_of_older_releases_too(
    alice: User, bob: User
) -> None:
    linker = make_staff("linker", "images.add_link")
    for maker, owner in ((alice, alice), (linker, alice), (alice, alice), (bob, bob), (bob, bob)):
        make_link(maker=maker, picture=make_row(owner), seconds=300)
    older = Link.objects.filter(
        pk__in=[Link.objects.earliest("pk").pk, Link.objects.latest("pk").pk]
    )
    older.update(owner=None)
    assert revoke_links_of(alice) == 3
    live = Link.objects.filter(revoked_at=None)
    assert {each.maker for each in live} == {bob}
    assert live.count() == 2
    event = SecurityEvent.objects.get(kind="link.revoked")
    assert (event.user_id, event.facts) == (alice.pk, {"count": 3})
    first = Link.objects.filter(maker=alice).values_list("revoked_at", flat=True)
    before = list(first)
    assert revoke_links_of(alice) == 0
    assert list(first.all()) == before
    assert SecurityEvent.objects.filter(kind="link.revoked").count() == 1
