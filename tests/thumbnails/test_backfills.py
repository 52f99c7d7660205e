"""Backfills: bounded, fair between accounts, and taken up again by whichever worker is there."""

import threading
from collections.abc import Iterable

import pytest
from django.db import DatabaseError, connection
from django.dispatch import Signal
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.services import move_accounts, move_to_tier
from images.ledger import Usage
from images.models import NO_BACKFILL, OVERDUE_AFTER, Picture
from images.services import request_thumbnails
from tests.factories import make_picture, make_tier, make_user
from tests.rows import write_pictures
from tests.storages import StoredKeys
from tests.thumbnails.rows import heights
from thumbnails import backfills, tasks
from thumbnails.backfills import go_on, start_backfill
from thumbnails.models import Backfill, Thumbnail
from thumbnails.precedence import behind_uploads, upload_first
from thumbnails.services import ensure_thumbnails
from thumbnails.signals import backfill_ended, backfill_started
from thumbnails.sweeping import give_back, take_overdue, take_wanted_again
from tiers.models import Tier
from tiers.services import set_heights, set_quality

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def tier() -> Tier:
    return make_tier("Poster", [200])


def go_on_to_the_end() -> int:
    """Go on as a worker does, without rendering; return how often it was called."""
    turns = 1
    while go_on().has_more:
        turns += 1
    return turns


def wanted() -> list[int]:
    """Return the pictures that wait, in the order in which they were requested."""
    pending = Picture.objects.of_backfills().order_by("render_wanted_at", "-pk")
    return list(pending.values_list("pk", flat=True))


def finish(picture_ids: Iterable[int]) -> None:
    Picture.objects.filter(pk__in=picture_ids).update(rendering=Picture.Rendering.READY)


def owners(picture_ids: Iterable[int]) -> list[str]:
    names = dict(Picture.objects.values_list("pk", "owner__username"))
    return [names[each] for each in picture_ids]


def test_so_many_pictures_are_requested_and_more_once_these_are_there(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_WANTED", 6)
    write_pictures(make_user("carol", tier.name), 20)
    set_heights(tier=tier, heights=[200, 300])
    go_on_to_the_end()
    assert len(wanted()) == 6
    assert not go_on().has_more
    finish(wanted()[:4])
    go_on_to_the_end()
    assert len(wanted()) == 6
    for _ in range(5):
        finish(wanted())
        go_on_to_the_end()
    assert wanted() == []
    backfill = Backfill.objects.get()
    assert (backfill.state, backfill.pictures_done) == (Backfill.State.DONE, 20)


def test_accounts_take_turns_newest_pictures_first(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_WANTED_IN_TURN", 2)
    monkeypatch.setattr(backfills, "MAX_WANTED", 8)
    large = write_pictures(make_user("large", tier.name), 100)
    small = write_pictures(make_user("small", tier.name), 3)
    single = write_pictures(make_user("single", tier.name), 1)
    set_heights(tier=tier, heights=[300])
    go_on_to_the_end()
    assert sorted(owners(wanted())) == ["large"] * 4 + ["single"] + ["small"] * 3
    assert set(wanted()) == {*single, *small, *large[-4:]}


def test_a_small_accounts_backfill_does_not_wait_for_a_large_ones(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_WANTED_IN_TURN", 2)
    monkeypatch.setattr(backfills, "MAX_WANTED", 4)
    write_pictures(make_user("large", tier.name), 100)
    set_heights(tier=tier, heights=[300])
    go_on_to_the_end()
    small = make_user("small", "Basic")
    own = write_pictures(small, 1)
    move_to_tier(small, tier)
    finish(wanted())
    go_on_to_the_end()
    assert own[0] in wanted()
    assert sorted(owners(wanted())) == ["large"] * 3 + ["small"]


def test_accounts_beyond_those_that_take_turns_follow(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "MAX_ACCOUNTS", 4)
    monkeypatch.setattr(backfills, "_ACCOUNTS_AT_ONCE", 3)
    names = [f"account-{n}" for n in range(9)]
    for name in names:
        write_pictures(make_user(name, tier.name), 2)
        make_user(f"empty-{name}", tier.name)
    set_heights(tier=tier, heights=[300])
    go_on()
    assert len(Backfill.objects.get().accounts) <= 4
    go_on_to_the_end()
    assert sorted(owners(wanted())) == sorted(names * 2)


@pytest.mark.unhurried
def test_pictures_that_have_what_is_granted_are_passed_over_by_one_query_a_batch(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "TURN_SECONDS", 60.0)
    write_pictures(make_user("carol", tier.name), 4 * backfills.BATCH_SIZE, heights=[200])
    start_backfill(tier=tier)
    with CaptureQueriesContext(connection) as queries:
        assert not go_on().has_more
    looked = [each for each in queries.captured_queries if "images_picture" in each["sql"]]
    assert len(looked) <= 4 + 6
    # The end of the plan that the tier's new height is, too.
    assert len(queries) <= 26
    assert wanted() == []
    assert Backfill.objects.get().pictures_done == 4 * backfills.BATCH_SIZE


def test_what_is_no_longer_granted_goes_without_a_rendering(
    tier: Tier,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    carol = make_user("carol", tier.name)
    set_heights(tier=tier, heights=[200, 400])
    pictures = [make_picture(carol) for _ in range(3)]
    for each in pictures:
        ensure_thumbnails(each.pk)
    Backfill.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        set_heights(tier=tier, heights=[400])
    assert [heights(each) for each in pictures] == [[400]] * 3
    assert Picture.objects.pending().count() == 0
    backfill = Backfill.objects.get()
    assert (backfill.thumbnails_made, backfill.thumbnails_removed) == (0, 3)
    named = {key for row in Thumbnail.objects.all() for key in row.keys}
    assert set(stored_keys()) == named | {each.key for each in pictures}
    files = sum(file.bytes or 0 for row in Thumbnail.objects.all() for file in row.files)
    assert Usage.objects.get(owner=carol).thumbnails_bytes == files


@pytest.mark.unhurried
def test_a_tiers_thumbnails_go_by_few_queries(
    tier: Tier, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Of 10,000 pictures by fewer than 300: these are a fifth, with what begins and ends it."""
    write_pictures(make_user("carol", tier.name), 2_000, heights=[200])
    set_heights(tier=tier, heights=[])
    with django_assert_max_num_queries(60):
        go_on_to_the_end()
    assert not Thumbnail.objects.exists()
    backfill = Backfill.objects.get()
    assert (backfill.state, backfill.thumbnails_removed) == (Backfill.State.DONE, 2_000)


@pytest.mark.unhurried
def test_what_is_made_and_removed_is_counted(
    tier: Tier, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    carol = make_user("carol", tier.name)
    pictures = [make_picture(carol) for _ in range(3)]
    for each in pictures:
        ensure_thumbnails(each.pk)
    with django_capture_on_commit_callbacks(execute=True):
        set_heights(tier=tier, heights=[100, 300])
    with django_capture_on_commit_callbacks(execute=True):
        set_quality(tier=tier, quality=60)
    counts = Backfill.objects.order_by("pk").values_list(
        "state", "pictures_done", "thumbnails_made", "thumbnails_removed"
    )
    assert list(counts) == [("done", 3, 6, 3), ("done", 3, 6, 0)]


def test_the_bytes_that_come_and_go_are_counted(
    tier: Tier, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    picture = make_picture(make_user("carol", tier.name))
    ensure_thumbnails(picture.pk)
    before = Usage.objects.get().thumbnails_bytes
    with django_capture_on_commit_callbacks(execute=True):
        set_heights(tier=tier, heights=[200, 300])
    with django_capture_on_commit_callbacks(execute=True):
        set_quality(tier=tier, quality=30)
    with django_capture_on_commit_callbacks(execute=True):
        set_heights(tier=tier, heights=[300])
    counts = Backfill.objects.order_by("pk").values_list("bytes_made", "bytes_removed")
    (made, _), (finer, coarser), (_, removed) = counts
    assert made > 0 == counts[0][1]
    assert coarser == before + made
    assert Usage.objects.get().thumbnails_bytes == before + made + finer - coarser - removed


def test_accounts_that_move_together_have_one_backfill_of_their_own(tier: Tier) -> None:
    moved = [make_user(name) for name in ("large", "small")]
    for each in moved:
        write_pictures(each, 3)
    write_pictures(make_user("carol", tier.name), 3)
    assert sorted(move_accounts([each.pk for each in moved], tier)) == sorted(
        each.pk for each in moved
    )
    go_on_to_the_end()
    assert sorted(owners(wanted())) == ["large"] * 3 + ["small"] * 3
    assert Backfill.objects.get().pictures_done == 6


def test_accounts_move_only_from_the_tier_that_they_are_taken_to_have(tier: Tier) -> None:
    basic, premium = make_user("basic"), make_user("premium", "Premium")
    ids = [basic.pk, premium.pk]
    assert move_accounts(ids, tier, former=basic.tier) == [basic.pk]
    assert move_accounts(ids, tier, former=basic.tier) == []
    assert Backfill.objects.get().owner == basic


def test_a_backfill_tells_when_it_begins_and_when_nothing_is_left(tier: Tier) -> None:
    told = []

    def note(backfill: Backfill, signal: Signal, **_: object) -> None:
        told.append((signal, backfill.pk))

    for each in (backfill_started, backfill_ended):
        each.connect(note)
    try:
        write_pictures(make_user("carol", tier.name), 3)
        set_heights(tier=tier, heights=[300])
        go_on_to_the_end()
        pk = Backfill.objects.get().pk
        assert told == [(backfill_started, pk)]
        finish(wanted())
        go_on_to_the_end()
        assert told == [(backfill_started, pk), (backfill_ended, pk)]
    finally:
        for each in (backfill_started, backfill_ended):
            each.disconnect(note)


def test_only_a_running_one_goes_on(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfills, "MAX_WANTED", 2)
    write_pictures(make_user("carol", tier.name), 6)
    set_heights(tier=tier, heights=[300])
    go_on_to_the_end()
    assert Backfill.objects.pause() == 1
    finish(wanted())
    assert not go_on().has_more
    assert wanted() == []
    assert Backfill.objects.resume() == 1
    go_on_to_the_end()
    assert len(wanted()) == 2
    assert Backfill.objects.cancel() == 1
    assert Backfill.objects.resume() == 0
    finish(wanted())
    assert not go_on().has_more
    assert Backfill.objects.get().pictures_done == 4


def test_what_dies_in_the_middle_is_done_again_and_counted_once(
    tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies after everything but the commit; its lease has to end first."""
    made = write_pictures(make_user("carol", tier.name), 6)
    set_heights(tier=tier, heights=[300])

    def die(*_: object, **__: object) -> None:
        raise DatabaseError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(backfills, "_lock", die)
        with pytest.raises(DatabaseError):
            go_on()
    assert wanted() == []
    assert not go_on().has_more
    Backfill.objects.update(leased_until=timezone.now())
    go_on_to_the_end()
    assert sorted(wanted()) == made
    assert Backfill.objects.get().pictures_done == 6


def test_a_worker_that_was_taken_for_dead_writes_nothing(tier: Tier) -> None:
    write_pictures(make_user("carol", tier.name), 6)
    set_heights(tier=tier, heights=[300])
    [slow] = [backfills._Turn(each) for each in backfills._lease()]
    slow.look(backfills._Grants(), 2)
    Backfill.objects.update(leased_until=timezone.now())
    go_on_to_the_end()
    done = Backfill.objects.get().pictures_done
    slow.write()
    assert Backfill.objects.get().pictures_done == done == 6


def test_an_upload_keeps_its_place_before_backfills(tier: Tier) -> None:
    carol = make_user("carol", tier.name)
    upload = make_picture(carol)
    write_pictures(carol, 3)
    set_heights(tier=tier, heights=[300])
    go_on_to_the_end()
    assert len(wanted()) == 3
    assert take_overdue(timezone.now() + OVERDUE_AFTER) == [upload.pk]
    assert upload.pk not in take_wanted_again(10)
    upload.refresh_from_db()
    # A worker that renders it at this moment by the heights of before finds that out.
    assert upload.render_revision == 1


def test_what_is_requested_again_waits_behind_uploads(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = write_pictures(alice, 40)
    with django_assert_max_num_queries(8):
        request_thumbnails(made, replace=True)
    assert set(Picture.objects.values_list("render_backfill", flat=True)) == {NO_BACKFILL}
    assert take_overdue() == []
    taken = take_wanted_again(10)
    assert len(taken) == 10
    assert not set(take_wanted_again(40)) & set(taken)
    give_back(taken)
    assert sorted(take_wanted_again(40)) == sorted(taken)


def test_a_rendered_upload_is_a_backfills_picture_from_then_on(tier: Tier) -> None:
    upload = make_picture(make_user("carol", tier.name))
    ensure_thumbnails(upload.pk)
    set_heights(tier=tier, heights=[300])
    go_on_to_the_end()
    upload.refresh_from_db()
    assert upload.render_backfill == Backfill.objects.get().pk


def test_a_backfill_waits_while_an_uploads_thumbnails_are_rendered() -> None:
    began, ended = threading.Event(), threading.Event()

    def render_behind() -> None:
        began.set()
        with behind_uploads(20.0):
            ended.set()

    with upload_first():
        thread = threading.Thread(target=render_behind)
        thread.start()
        began.wait(5)
        assert not ended.wait(0.1)
    assert ended.wait(5)
    thread.join()


def test_a_worker_renders_between_looking(tier: Tier, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the first are there before the last were looked at, and the window never overflows."""
    monkeypatch.setattr(backfills, "MAX_WANTED", 4)
    write_pictures(make_user("carol", tier.name), 10)
    set_heights(tier=tier, heights=[300])
    most = []

    def render(picture_id: int) -> bool:
        most.append(Picture.objects.of_backfills().count())
        finish([picture_id])
        return False

    monkeypatch.setattr(tasks, "ensure_thumbnails", render)
    tasks.backfill()
    assert len(most) == 10
    assert max(most) == 4
    assert Backfill.objects.get().state == Backfill.State.DONE
