"""Each task of the scheduler, run as one: what is due goes, what is not stays, and it ends."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from uuid import uuid4

import pytest
from celery import current_app
from django.conf import settings
from django.db.models import Model
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Mail, RevokedToken, SecurityEvent, Session, User
from accounts.security_log import RETENTION as SECURITY_RETENTION
from accounts.sessions import RETENTION as SESSION_RETENTION
from images import link_visits, links, retries
from images.ledger import Usage
from images.models import IdempotencyKey, Link, LinkVisit, Picture
from images.removals import RemovedFile
from images.storage.base import picture_storage
from lib import batches
from notifications import feed
from notifications.models import PictureEvent
from plans.proposals import propose_move
from plans.services import apply_plan, pause
from staff.models import Day
from tests.factories import make_tier, make_user
from tests.rows import make_row
from thumbnails.models import Clearing

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]
# Names of tasks are part of messages that an older release sends and receives.
PURGE_SESSIONS, PURGE_LINKS = "accounts.purge_ended_sessions", "images.forget_ended"
PURGE_KEYS, PURGE_EVENTS = "images.purge_idempotency_keys", "notifications.forget_events"


@pytest.fixture(autouse=True)
def _load_tasks() -> None:
    """Import every module of tasks, as a worker does when it starts."""
    current_app.loader.import_default_modules()


def run(task: str) -> None:
    """Run a task by its name."""
    current_app.tasks[task].apply(throw=True)


def make_session(user: User, at: datetime) -> Model:
    return Session.objects.create(user=user, scheme="bearer", expires_at=at)


def make_denied(user: User, at: datetime) -> Model:
    return RevokedToken.objects.create(digest=uuid4().hex, expires_at=at)


def make_security_event(user: User, at: datetime) -> Model:
    return SecurityEvent.objects.create(kind="sign-in", user_id=user.pk, at=at)


def make_link(user: User, at: datetime) -> Model:
    return Link.objects.create(picture=make_row(user), maker=user, expires_at=at)


def make_visit(user: User, at: datetime) -> Model:
    return LinkVisit.objects.create(link_id=1, visit=uuid4(), opened_at=at)


def make_key(user: User, at: datetime) -> Model:
    return IdempotencyKey.objects.create(
        account=user, route="/", key=uuid4().hex, begun_at=at, leased_until=at
    )


def make_event(user: User, at: datetime) -> Model:
    event = feed.record_event(user.pk, "pictures.cleared")
    PictureEvent.objects.filter(owner=user, sequence=event["id"]).update(at=at)
    return PictureEvent.objects.get(owner=user, sequence=event["id"])


# Each with the task that purges it, and how long it is kept after its time.
PURGED: list[tuple[str, Callable[[User, datetime], Model], timedelta]] = [
    (PURGE_SESSIONS, make_session, SESSION_RETENTION),
    (PURGE_SESSIONS, make_denied, timedelta(0)),
    (PURGE_SESSIONS, make_security_event, SECURITY_RETENTION),
    (PURGE_LINKS, make_link, links.RETENTION),
    (PURGE_LINKS, make_visit, link_visits.VISIT_LIFETIME),
    (PURGE_KEYS, make_key, retries.RETENTION),
    (PURGE_EVENTS, make_event, feed.RETENTION),
]


@pytest.mark.parametrize(("task", "make", "kept"), PURGED)
def test_a_purge_takes_what_is_past_and_nothing_else(
    alice: User, task: str, make: Callable[[User, datetime], Model], kept: timedelta
) -> None:
    end, moment = timezone.now() - kept, timedelta(seconds=30)
    past = [make(alice, end - moment), make(alice, end - 100 * moment)]
    there = [make(alice, end + moment), make(alice, timezone.now() + moment)]
    rows = type(past[0])._default_manager.filter(pk__in=[each.pk for each in past + there])
    run(task)
    assert set(rows) == set(there)


@pytest.mark.parametrize(("task", "make", "kept"), PURGED)
def test_a_purge_goes_on_until_nothing_is_left(
    alice: User,
    task: str,
    make: Callable[[User, datetime], Model],
    kept: timedelta,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    monkeypatch.setattr(feed, "PURGE_BATCH_SIZE", 2)
    past = [make(alice, timezone.now() - kept - timedelta(hours=1)) for _ in range(5)]
    run(task)
    assert not type(past[0])._default_manager.filter(pk__in=[each.pk for each in past]).exists()


def test_files_of_deleted_rows_are_removed_and_no_others(alice: User) -> None:
    keys = [f"users/{alice.pk}/{uuid4()}.png" for _ in range(3)]
    for key in keys:
        picture_storage.write(key, BytesIO(b"content"))
    RemovedFile.objects.bulk_create(RemovedFile(key=key, bytes=7) for key in keys[:2])
    run("images.remove_files")
    assert [picture_storage.exists(key) for key in keys] == [False, False, True]
    assert not RemovedFile.objects.exists()


def test_closed_accounts_are_removed_and_no_others(
    alice: User, bob: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    # A storage without a file is none, once there are rows.
    picture_storage.write(f"users/{bob.pk}/first.png", BytesIO(b"content"))
    theirs, later = make_row(bob), make_user("carol")
    mine = make_row(alice)
    for each in (mine, theirs):
        picture_storage.write(each.key, BytesIO(b"content"))
    User.objects.filter(pk=alice.pk).update(removal_due_at=timezone.now())
    User.objects.filter(pk=later.pk).update(removal_due_at=timezone.now() + timedelta(minutes=1))
    with django_capture_on_commit_callbacks(execute=True):
        run("upkeep.remove_closed_accounts")
    assert set(User.objects.all()) == {bob, later}
    assert list(Picture.objects.all()) == [theirs]
    assert [picture_storage.exists(each.key) for each in (mine, theirs)] == [False, True]


def test_what_is_left_of_all_pictures_goes_when_it_is_due(alice: User, bob: User) -> None:
    now = timezone.now()
    mine, theirs = make_row(alice), make_row(bob)
    later = make_row(alice)
    for picture, due_at in ((mine, now), (theirs, now + timedelta(minutes=1))):
        Clearing.objects.create(
            owner_id=picture.owner_id, last_picture_id=picture.pk, due_at=due_at
        )
    run("thumbnails.finish_clearings")
    assert set(Picture.objects.all()) == {theirs, later}
    assert [each.owner_id for each in Clearing.objects.all()] == [bob.pk]


def test_the_ledger_is_mended_for_each_account_by_itself(alice: User, bob: User) -> None:
    make_row(alice), make_row(bob), make_row(bob)
    right = {each.owner_id: each.stored_bytes for each in Usage.objects.all()}
    Usage.objects.filter(owner=bob).update(originals_bytes=1, pictures=7)
    run("upkeep.mend_ledger")
    assert {each.owner_id: each.stored_bytes for each in Usage.objects.all()} == right
    assert Usage.objects.get(owner=bob).pictures == 2


def test_mail_is_sent_when_it_is_due(alice: User, mailoutbox: list[object]) -> None:
    kind, now = Mail.Kind.MOVED, timezone.now()
    for at in (now, now - timedelta(hours=1), now + timedelta(minutes=1)):
        Mail.objects.create(
            kind=kind, address="a@example.org", user=alice, language="en", due_at=at
        )
    run("accounts.send_mail")
    assert len(mailoutbox) == 2
    assert [each.due_at for each in Mail.objects.all()] == [now + timedelta(minutes=1)]


def test_the_accounts_of_plans_move_that_run_and_of_no_others(alice: User, bob: User) -> None:
    target, later = make_tier("Poster"), make_tier("Later")
    plans = [
        propose_move(accounts=User.objects.filter(pk=user.pk), target=to, by=None)
        for user, to in ((alice, target), (bob, later))
    ]
    for each in plans:
        apply_plan(each, by=None)
    pause(plans[1], by=None)
    run("plans.move_accounts")
    assert User.objects.get(tier=target) == alice
    assert not User.objects.filter(tier=later).exists()


def test_what_the_first_page_shows_is_counted_once_for_all_workers(alice: User) -> None:
    for _ in range(2):
        run("staff.count")
        [today] = Day.objects.all()
        assert today.accounts == 1
        make_user(f"later-{User.objects.count()}")
    Day.objects.update(due_at=timezone.now())
    run("staff.count")
    assert Day.objects.get().accounts == 3


def test_every_scheduled_task_is_run_by_a_test() -> None:
    """The sweep has tests of its own, in `tests/thumbnails`."""
    scheduled = {each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values()}
    run_here = {task for task, _, _ in PURGED} | {
        "images.remove_files", "upkeep.remove_closed_accounts", "upkeep.mend_ledger",
        "accounts.send_mail", "thumbnails.finish_clearings", "plans.move_accounts", "staff.count",
    }  # fmt: skip
    assert scheduled - run_here == {"thumbnails.sweep"}
    assert scheduled <= set(current_app.tasks)
