"""Difference first: what is missing is made, what is unwanted goes, nothing is forgotten."""

import errno
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services import move_to_tier
from images.models import Picture
from images.sandbox.pool import run_sandboxed
from images.services import request_thumbnails
from images.storage.base import picture_storage
from images.storage.disk import DiskStorage
from lib.backoff import CircuitBreaker
from tests.factories import make_picture, make_tier, make_user, tier
from tests.pictures import jpeg, png
from tests.thumbnails.rows import keys
from thumbnails import claims, services, tasks
from thumbnails.models import Backfill, Thumbnail
from thumbnails.renderings import RenderingFailed
from thumbnails.services import ensure_thumbnails
from thumbnails.signals import thumbnails_failed, thumbnails_ready
from thumbnails.sweeping import run_backfill_batch, take_overdue
from thumbnails.tasks import sweep
from tiers.services import set_heights

pytestmark = pytest.mark.django_db


@pytest.fixture
def picture(alice):
    return make_picture(alice, jpeg(900, 600))


def heights(picture):
    return sorted(picture.thumbnails.values_list("height", flat=True))


def state(picture):
    picture.refresh_from_db()
    return picture.rendering


def listening(signal):
    said = []
    signal.connect(lambda picture, **kwargs: said.append(picture.pk), weak=False)
    return said


def test_a_picture_gets_every_height_of_its_tier(picture, stored_keys):
    said = listening(thumbnails_ready)
    assert ensure_thumbnails(picture.pk) is False
    assert (heights(picture), state(picture)) == ([200, 400], "ready")
    assert set(stored_keys()) == {picture.key, *keys(picture)}
    assert said == [picture.pk]


def test_making_them_twice_changes_nothing(picture):
    ensure_thumbnails(picture.pk)
    before = list(Thumbnail.objects.values())
    ensure_thumbnails(picture.pk)
    assert list(Thumbnail.objects.values()) == before


def test_a_small_picture_is_never_enlarged(alice):
    picture = make_picture(alice, png(90, 60))
    ensure_thumbnails(picture.pk)
    sizes = set(picture.thumbnails.values_list("width_px", "height_px"))
    assert (heights(picture), sizes) == ([200, 400], {(90, 60)})


def test_a_deleted_picture_is_no_error():
    assert ensure_thumbnails(999) is False


def test_a_picture_deleted_while_it_is_rendered_leaves_no_file(picture, stored_keys, monkeypatch):
    render = run_sandboxed

    def render_and_delete(*args, **kwargs):
        made = render(*args, **kwargs)
        Picture.objects.filter(pk=picture.pk).delete()
        return made

    monkeypatch.setattr(services, "run_sandboxed", render_and_delete)
    ensure_thumbnails(picture.pk)
    assert not Thumbnail.objects.exists()
    assert [name for name in stored_keys() if "_" in name] == []


def test_one_worker_at_a_time(picture):
    assert claims.claim(picture.pk) is not None
    assert claims.claim(picture.pk) is None


def test_the_picture_of_a_dead_worker_is_taken_over(picture):
    claims.claim(picture.pk)
    past = timezone.now() - timedelta(seconds=1)
    Picture.objects.update(render_leased_until=past, render_ask_at=past)
    assert take_overdue() == [picture.pk]
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_a_picture_that_keeps_killing_its_worker_is_set_aside(picture):
    said = listening(thumbnails_failed)
    for _ in range(claims.MAX_ATTEMPTS):
        assert claims.claim(picture.pk) is not None
        Picture.objects.update(render_leased_until=timezone.now())
    assert claims.claim(picture.pk) is None
    assert state(picture) == "failed"
    assert picture.render_failure == claims.ATTEMPTS_USED_UP
    assert said == [picture.pk]
    assert take_overdue() == []


def test_a_failure_is_tried_three_times_and_says_why(picture, monkeypatch):
    def fail(*args, **kwargs):
        raise RenderingFailed("The picture cannot be decoded.")

    monkeypatch.setattr(services, "run_sandboxed", fail)
    for attempt in range(3):
        assert state(picture) == "pending", attempt
        ensure_thumbnails(picture.pk)
    assert (state(picture), picture.render_failure) == ("failed", "The picture cannot be decoded.")


def test_a_missing_file_is_a_failure_too(picture):
    picture_storage.delete(picture.key)
    for _ in range(3):
        ensure_thumbnails(picture.pk)
    assert (state(picture), picture.render_failure) == ("failed", "Its file is missing.")


def test_staff_asking_again_gives_all_attempts_back(picture):
    Picture.objects.update(
        rendering="failed", render_attempts=claims.MAX_ATTEMPTS, render_failures=3
    )
    request_thumbnails([picture.pk])
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_rendering_anew_replaces_and_serves_the_old_until_then(
    picture, stored_keys, django_capture_on_commit_callbacks
):
    ensure_thumbnails(picture.pk)
    old = keys(picture)
    request_thumbnails([picture.pk], replace=True)
    assert keys(picture) == old
    with django_capture_on_commit_callbacks(execute=True):
        ensure_thumbnails(picture.pk)
    new = keys(picture)
    assert not old & new
    assert set(stored_keys()) == new | {picture.key}


def test_a_wish_that_changes_while_rendering_is_fulfilled_after(picture, monkeypatch):
    render = run_sandboxed

    def render_and_change(*args, **kwargs):
        monkeypatch.setattr(services, "run_sandboxed", render)
        set_heights(tier=picture.owner.tier, heights=[100, 200])
        request_thumbnails([picture.pk])
        return render(*args, **kwargs)

    monkeypatch.setattr(services, "run_sandboxed", render_and_change)
    assert ensure_thumbnails(picture.pk) is True
    assert state(picture) == "pending"
    ensure_thumbnails(picture.pk)
    assert (heights(picture), state(picture)) == ([100, 200], "ready")


def test_only_what_is_missing_is_made(picture, monkeypatch):
    ensure_thumbnails(picture.pk)
    asked = []
    render = run_sandboxed

    def render_and_note(work, source, heights, folder, **options):
        asked.append(heights)
        return render(work, source, heights, folder, **options)

    monkeypatch.setattr(services, "run_sandboxed", render_and_note)
    set_heights(tier=picture.owner.tier, heights=[100, 200])
    request_thumbnails([picture.pk])
    ensure_thumbnails(picture.pk)
    assert (asked, heights(picture)) == ([[100]], [100, 200])


def test_another_height_of_a_tier_reaches_its_pictures_and_no_others(
    picture, bob, django_capture_on_commit_callbacks, stored_keys
):
    other = make_picture(make_user("carol", "Basic"), jpeg(900, 600))
    ensure_thumbnails(picture.pk)
    ensure_thumbnails(other.pk)
    with django_capture_on_commit_callbacks(execute=True):
        set_heights(tier=tier("Enterprise"), heights=[300])
    assert heights(picture) == [300]
    assert heights(other) == [200]
    assert not Backfill.objects.exists()
    assert set(stored_keys()) == {picture.key, other.key, *keys(picture, other)}


def test_another_tier_of_an_account_reaches_its_pictures(
    picture, alice, django_capture_on_commit_callbacks
):
    ensure_thumbnails(picture.pk)
    with django_capture_on_commit_callbacks(execute=True):
        move_to_tier(alice, make_tier("Poster", [1000, 50]))
    assert heights(picture) == [50, 1000]


def test_a_walk_goes_on_where_it_was_interrupted(alice, monkeypatch):
    monkeypatch.setattr("thumbnails.sweeping.BATCH_SIZE", 2)
    made = [make_picture(alice).pk for _ in range(5)]
    Picture.objects.update(rendering="ready")
    move_to_tier(alice, tier("Basic"))
    run_backfill_batch()
    pending = Picture.objects.pending().order_by("pk").values_list("pk", flat=True)
    assert list(pending) == made[:2]
    while run_backfill_batch():
        pass
    assert list(pending.all()) == made


def test_the_sweep_finds_what_nobody_asked_for(picture, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert state(picture) == "ready"


def test_the_sweep_asks_for_a_picture_once_a_minute(picture):
    assert take_overdue() == [picture.pk]
    assert take_overdue() == []
    later = timezone.now() + claims.RETRY_INTERVAL
    assert take_overdue(later) == [picture.pk]


def test_what_the_broker_did_not_take_is_asked_for_at_the_next_sweep(picture, monkeypatch):
    def away(*args, **kwargs):
        raise OSError("connection refused")

    monkeypatch.setattr(tasks, "_broker_breaker", CircuitBreaker(5))
    monkeypatch.setattr(tasks.ensure, "apply_async", away)
    sweep()
    assert take_overdue() == [picture.pk]


def test_a_picture_waits_for_a_storage_that_is_away(picture, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(DiskStorage, "save", full)
        for _ in range(2 * claims.MAX_ATTEMPTS):
            ensure_thumbnails(picture.pk)
    assert (state(picture), picture.render_attempts) == ("pending", 0)
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


@pytest.mark.django_db(transaction=True)
def test_a_long_rendering_keeps_its_lease(alice, settings):
    settings.RENDER_LEASE_SECONDS = 1
    made = make_picture(alice)
    Picture.objects.mark_pending()
    picture = claims.claim(made.pk)
    assert picture
    first = Picture.objects.get().render_leased_until
    with claims.renewed_lease(picture):
        deadline = time.monotonic() + 30
        while Picture.objects.get().render_leased_until == first:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_an_account_without_heights_has_no_thumbnails(alice):
    alice.tier = make_tier("None", [])
    alice.save()
    picture = make_picture(alice)
    ensure_thumbnails(picture.pk)
    assert (heights(picture), state(picture)) == ([], "ready")
