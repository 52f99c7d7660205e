import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from images.models import Picture
from images.services import activate, delete_picture, update_picture
from notifications.feed import (
    last_sequence,
    last_sequences,
    position_before_oldest,
    purge_old_events,
    read_events,
    record_event,
    record_events,
    record_for_accounts,
)
from notifications.models import Feed, PictureEvent
from notifications.tasks import purge_events
from tests.clients import Client
from tests.factories import make_picture, make_user
from tests.rows import make_row

Result = TypeVar("Result")
WRITERS, EACH = 8, 40


def in_threads(count: int, work: Callable[[int], Result]) -> list[Future[Result]]:
    def run(number: int) -> Result:
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return [threads.submit(run, number) for number in range(count)]


def types(owner: User, after: int = 0) -> list[str]:
    return [event["type"] for event in read_events(owner.pk, after).events]


@pytest.mark.django_db
@pytest.mark.sqlite
def test_an_event_is_committed_with_its_change(alice: User) -> None:
    picture = make_picture(alice)
    with transaction.atomic():
        update_picture(picture, description="never")
        transaction.set_rollback(True)
    activate(picture)
    delete_picture(picture)
    assert types(alice) == ["picture.created", "picture.activated", "picture.deleted"]
    assert [event["id"] for event in read_events(alice.pk, 0).events] == [1, 2, 3]


@pytest.mark.django_db
def test_deleting_in_the_admin_records_events(alice: User, admin_client: Client) -> None:
    first, second = make_picture(alice), make_picture(alice)
    admin_client.post(f"/admin/images/picture/{first.pk}/delete/", {"post": "yes"})
    form = {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"}
    admin_client.post("/admin/images/picture/", form)
    assert types(alice, 2) == ["picture.deleted", "picture.deleted"]


@pytest.mark.django_db
def test_a_picture_is_not_deleted_twice(alice: User) -> None:
    picture = make_picture(alice)
    again = Picture.objects.get(pk=picture.pk)
    delete_picture(picture)
    with pytest.raises(Picture.DoesNotExist):
        delete_picture(again)
    assert types(alice) == ["picture.created", "picture.deleted"]


@pytest.mark.unhurried
@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_parallel_writers_leave_no_gap_that_is_filled_later(alice: User) -> None:
    """A reader sees every event once, in order, while eight threads write."""
    done = threading.Event()
    seen: list[int] = []

    def follow(_: int) -> None:
        while True:
            had_ended = done.is_set()
            page = read_events(alice.pk, seen[-1] if seen else 0, limit=7)
            assert [each["type"] for each in page.events if each["type"] == "events.reset"] == []
            seen.extend(event["id"] for event in page.events)
            if had_ended and not page.events:
                return

    def write(_: int) -> None:
        for _ in range(EACH):
            with transaction.atomic():
                record_event(alice.pk, "pictures.cleared")
                # Delays the commit, so that commits would overtake each other.
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(random() * 0.004)")

    reader = ThreadPoolExecutor(1)
    following = reader.submit(_closing(follow), 0)
    for each in in_threads(WRITERS, write):
        each.result()
    done.set()
    following.result(30)
    assert seen == list(range(1, WRITERS * EACH + 1))


def _one_of(works: Sequence[Callable[[], object]]) -> Callable[[int], object]:
    return lambda number: works[number]()


def _closing(work: Callable[[int], Result]) -> Callable[[int], Result]:
    def run(number: int) -> Result:
        try:
            return work(number)
        finally:
            connection.close()

    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_simultaneous_first_events_share_one_counter(alice: User) -> None:
    start = threading.Barrier(WRITERS)

    def write(_: int) -> None:
        start.wait(20)
        record_event(alice.pk, "pictures.cleared")

    for each in in_threads(WRITERS, write):
        each.result()
    assert Feed.objects.get().last == WRITERS
    assert PictureEvent.objects.count() == WRITERS


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_events_of_different_accounts_do_not_block_each_other(alice: User, bob: User) -> None:
    """Bob's event commits while Alice's transaction is still open."""
    with transaction.atomic():
        record_event(alice.pk, "pictures.cleared")
        [other] = in_threads(1, lambda _: record_event(bob.pk, "pictures.cleared"))
        assert other.result(10)["id"] == 1


@pytest.mark.unhurried
@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_simultaneous_deleting_and_rendering_never_deadlock(alice: User) -> None:
    """Both lock the picture before the feed, so neither transaction is aborted."""
    from thumbnails.services import ensure_thumbnails

    for _ in range(10):
        picture = make_picture(alice)
        Picture.objects.filter(pk=picture.pk).mark_pending()
        works: list[Callable[[], object]] = [
            partial(ensure_thumbnails, picture.pk),
            partial(delete_picture, picture),
        ]
        for each in in_threads(2, _one_of(works)):
            each.result(20)
    assert types(alice).count("picture.deleted") == 10


@pytest.mark.django_db
@pytest.mark.sqlite
def test_pages_continue_each_other(alice: User) -> None:
    for _ in range(5):
        record_event(alice.pk, "pictures.cleared")
    first = read_events(alice.pk, 0, limit=3)
    assert ([each["id"] for each in first.events], first.has_more, first.last) == (
        [1, 2, 3],
        True,
        5,
    )
    second = read_events(alice.pk, 3, limit=3)
    assert ([each["id"] for each in second.events], second.has_more) == ([4, 5], False)
    assert read_events(alice.pk, 5).events == []


@pytest.mark.django_db
@pytest.mark.sqlite
def test_events_are_kept_for_a_week(alice: User) -> None:
    for _ in range(3):
        record_event(alice.pk, "pictures.cleared")
    PictureEvent.objects.filter(sequence__lte=2).update(at=timezone.now() - timedelta(days=7))
    PictureEvent.objects.filter(sequence=3).update(at=timezone.now() - timedelta(days=6, hours=23))
    purge_events()
    assert [event.sequence for event in PictureEvent.objects.all()] == [3]
    assert types(alice, 2) == ["pictures.cleared"]
    assert types(alice, 1) == ["events.reset"]
    assert last_sequence(alice.pk) == 3


@pytest.mark.django_db
def test_events_behind_a_gap_are_never_returned_as_next(alice: User) -> None:
    for _ in range(4):
        record_event(alice.pk, "pictures.cleared")
    PictureEvent.objects.filter(sequence=3).delete()
    page = read_events(alice.pk, 0)
    assert ([event["id"] for event in page.events], page.has_more) == ([1, 2], True)
    assert read_events(alice.pk, 2).events[0]["type"] == "events.reset"


@pytest.mark.django_db
def test_events_are_deleted_with_their_account() -> None:
    user = make_user("carol")
    record_event(user.pk, "pictures.cleared")
    user.delete()
    assert not PictureEvent.objects.exists()
    assert not Feed.objects.exists()


@pytest.mark.django_db
def test_an_event_costs_two_queries(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    record_event(alice.pk, "pictures.cleared")
    with django_assert_num_queries(2):
        record_event(alice.pk, "pictures.cleared")


@pytest.mark.django_db
@pytest.mark.sqlite
def test_the_feeds_of_two_accounts_number_by_themselves(alice: User, bob: User) -> None:
    for user in (alice, bob, alice, alice):
        record_event(user.pk, "pictures.cleared")
    record_events(bob.pk, "picture.updated", [make_row(bob) for _ in range(3)])
    assert (last_sequence(alice.pk), last_sequence(bob.pk)) == (3, 4)
    assert last_sequences([alice.pk, bob.pk]) == {alice.pk: 3, bob.pk: 4}
    assert last_sequences([bob.pk]) == {bob.pk: 4}
    assert [each["id"] for each in read_events(alice.pk, 0).events] == [1, 2, 3]
    assert [each["id"] for each in read_events(bob.pk, 0).events] == [1, 2, 3, 4]
    assert types(bob) == ["pictures.cleared", *["picture.updated"] * 3]


@pytest.mark.django_db
def test_what_is_purged_of_one_feed_leaves_the_other(alice: User, bob: User) -> None:
    for user in (alice, bob, alice, bob):
        record_event(user.pk, "pictures.cleared")
    old = timezone.now() - timedelta(days=8)
    PictureEvent.objects.filter(owner=alice, sequence=1).update(at=old)
    purge_events()
    assert [position_before_oldest(user.pk) for user in (alice, bob)] == [1, 0]
    assert (types(alice), types(bob)) == (["events.reset"], ["pictures.cleared"] * 2)
    PictureEvent.objects.filter(owner=alice).delete()
    assert position_before_oldest(alice.pk) == 2
    assert position_before_oldest(make_user("carol").pk) == 0


@pytest.mark.django_db
@pytest.mark.sqlite
def test_what_many_accounts_are_told_is_the_next_event_of_each(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Whether it is its first or not; whoever is not meant has none."""
    carol, dave = make_user("carol"), make_user("dave")
    for user in (alice, alice, dave):
        record_event(user.pk, "pictures.cleared")
    told = record_for_accounts([alice.pk, bob.pk], "planned_changes.updated")
    assert {owner: event["id"] for owner, event in told.items()} == {alice.pk: 3, bob.pk: 1}
    assert types(alice) == [*["pictures.cleared"] * 2, "planned_changes.updated"]
    assert types(bob) == ["planned_changes.updated"]
    assert read_events(bob.pk, 0).events == [told[bob.pk]]
    assert (last_sequence(alice.pk), last_sequence(bob.pk)) == (3, 1)
    assert last_sequences([carol.pk, dave.pk]) == {dave.pk: 1}
    assert types(dave) == ["pictures.cleared"]
    record_event(bob.pk, "pictures.cleared")
    assert types(bob, 1) == ["pictures.cleared"]
    with django_assert_num_queries(4):
        record_for_accounts([carol.pk, dave.pk, alice.pk, bob.pk], "planned_changes.updated")


@pytest.mark.django_db
def test_an_event_tells_what_it_is_about(alice: User) -> None:
    picture, other = make_row(alice), make_row(alice)
    recorded = [
        record_event(alice.pk, "link.opened", picture, link_id=7),
        record_event(alice.pk, "pictures.cleared"),
        *record_events(alice.pk, "picture.updated", [picture, other]),
    ]
    of_link, plain, *updated = (dict[str, Any](each) for each in recorded)
    assert (of_link["type"], of_link["link_id"]) == ("link.opened", 7)
    assert of_link["picture"]["id"] == picture.pk
    assert "picture" not in plain
    assert [each["picture"]["id"] for each in updated] == [picture.pk, other.pk]
    assert [each["id"] for each in recorded] == [1, 2, 3, 4]
    assert read_events(alice.pk, 0).events == recorded


@pytest.mark.django_db
def test_old_events_are_purged_batch_by_batch(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.feed.PURGE_BATCH_SIZE", 2)
    for user in (alice, bob, alice, bob):
        record_event(user.pk, "pictures.cleared")
    PictureEvent.objects.exclude(owner=bob, sequence=2).update(
        at=timezone.now() - timedelta(days=8)
    )
    assert [purge_old_events() for _ in range(3)] == [2, 1, 0]
    assert [(each.owner_id, each.sequence) for each in PictureEvent.objects.all()] == [(bob.pk, 2)]
