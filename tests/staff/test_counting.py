"""What is counted for the admin's first page, and when."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.ledger import Usage
from images.links import make_link
from images.models import Link, Picture
from images.opening_counter import OpeningCounter
from images.services import delete_picture
from notifications.models import PictureEvent
from staff import counting
from staff.counting import count_if_due, count_uploads
from staff.models import Day, TierCounts
from tests.factories import make_picture, make_user
from tests.parallel import run_in_parallel
from tests.rows import make_row

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def count_again() -> Day:
    Day.objects.update(due_at=None)
    assert count_if_due()
    return Day.objects.latest("date")


def age_events(by: timedelta) -> None:
    for each in PictureEvent.objects.all():
        each.at -= by
        each.save(update_fields=["at"])


def test_what_accounts_store_is_added_up_by_tier_from_the_ledger(alice: User, bob: User) -> None:
    carol = make_user("carol", "Basic")
    # A closed account is none, but its pictures are stored until the worker has removed them.
    User.objects.filter(pk=carol.pk).update(removal_due_at=timezone.now())
    for owner, amounts in (
        (alice, (2, 100, 20, 3)),
        (bob, (1, 50, -10, 0)),
        (carol, (1, 7, 0, -1)),
    ):
        columns = ("pictures", "originals_bytes", "thumbnails_bytes", "other_bytes")
        Usage.objects.create(owner=owner, **dict(zip(columns, amounts, strict=True)))
    day = count_again()
    assert day.tier_counts == [
        TierCounts("Basic", 0, 1, 7, 0, 0),
        TierCounts("Enterprise", 2, 3, 150, 10, 3),
        TierCounts("Premium", 0, 0, 0, 0, 0),
    ]
    assert (day.pictures, day.accounts, day.stored_bytes) == (4, 2, 170)


def test_uploads_count_on_their_day_also_when_they_are_deleted(alice: User) -> None:
    count_again()
    kept, gone = make_picture(alice), make_picture(alice)
    delete_picture(gone)
    # An event may be committed a little after others that were written later.
    assert count_again().uploads == 0
    age_events(timedelta(seconds=31))
    Day.objects.update(uploads_until=timezone.now() - timedelta(minutes=1))
    assert count_again().uploads == 2
    assert count_again().uploads == 2
    assert Picture.objects.get() == kept


def test_the_first_counting_fills_the_days_before(alice: User) -> None:
    now = timezone.now()
    for days in (0, 3, 3, 29, 31):
        make_row(alice, created_at=now - timedelta(days=days, minutes=1))
    count_again()
    found = {each.date: each.uploads for each in Day.objects.all() if each.uploads}
    expected = {(now - timedelta(days=3)).date(): 2, (now - timedelta(days=29)).date(): 1}
    minute_ago = (now - timedelta(minutes=1)).date()
    assert found == expected | {minute_ago: 1}


def test_a_time_over_midnight_belongs_to_two_days() -> None:
    begin = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    end = begin + timedelta(days=1, minutes=2)
    parts = list(counting._cut_by_day(begin, end))
    assert [each.date() for each, _ in parts] == [
        date(2026, 3, 1),
        date(2026, 3, 2),
        date(2026, 3, 3),
    ]
    assert parts[0][0] == begin
    assert parts[-1][1] == end
    assert all(one[1] == other[0] for one, other in pairwise(parts))


def test_openings_are_added_to_their_day_as_they_are_written(alice: User) -> None:
    link, _ = make_link(maker=alice, picture=make_picture(alice), seconds=300)
    counter = OpeningCounter(writes_itself=False)
    for _ in range(3):
        counter.add(link.pk)
    counter.add(link.pk + 999)
    counter.write()
    assert Day.objects.get().openings == 3
    assert Link.objects.get().opened == 3


def test_links_and_sessions_count_while_they_are_live(alice: User) -> None:
    picture = make_picture(alice)
    for max_opens in (None, 1, None):
        make_link(maker=alice, picture=picture, seconds=300, max_opens=max_opens)
    Link.objects.filter(max_opens=1).update(opened=1)
    Link.objects.filter(pk=Link.objects.latest("pk").pk).revoke()
    open_bearer_session(alice, RequestOrigin())
    day = count_again()
    assert (day.live_links, day.live_sessions) == (1, 1)


def test_nothing_is_counted_again_before_it_is_due(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    assert count_if_due()
    with django_assert_max_num_queries(2):
        assert not count_if_due()
    due_at = Day.objects.get().due_at
    assert due_at is not None
    assert due_at >= timezone.now() + counting.INTERVAL / 2


def test_what_takes_long_is_counted_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 3.0])
    monkeypatch.setattr(counting, "monotonic", lambda: next(clock))
    assert count_if_due()
    day = Day.objects.get()
    assert day.due_at is not None
    assert day.counted_at is not None
    assert day.due_at - day.counted_at == timedelta(seconds=300)


def test_counting_takes_as_many_queries_for_many_accounts(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(12):
        Usage.objects.create(owner=make_user(f"user-{number}"), pictures=1)
    with django_assert_max_num_queries(16):
        count_if_due()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_that_count_at_once_count_uploads_once() -> None:
    alice = make_user("alice")
    Day.objects.create(date=timezone.now().date(), uploads_until=timezone.now() - timedelta(days=1))
    for sequence in range(5):
        PictureEvent.objects.create(
            owner=alice, sequence=sequence, type="picture.created",
            at=timezone.now() - timedelta(minutes=1),
        )  # fmt: skip

    def count_without_waiting() -> None:
        Day.objects.update(due_at=None)
        count_if_due()

    run_in_parallel([count_without_waiting] * 4)
    assert sum(Day.objects.values_list("uploads", flat=True)) == 5
    assert count_uploads(timezone.now() - timedelta(hours=1), timezone.now()) == 5
