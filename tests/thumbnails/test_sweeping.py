"""Overdue pictures, and backfills after tier changes."""

import pytest
from django.core.management import call_command
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.services import move_to_tier
from images.models import Picture
from images.storage.base import picture_storage
from tests.factories import make_picture, make_tier, make_user, tier
from tests.pictures import jpeg
from tests.storages import StoredKeys
from tests.thumbnails.rows import heights, keys
from thumbnails import claims
from thumbnails.models import Backfill
from thumbnails.services import ensure_thumbnails
from thumbnails.sweeping import take_overdue
from tiers.services import set_heights

pytestmark = pytest.mark.django_db


def test_a_tiers_new_heights_are_rendered_for_its_pictures_alone(
    picture: Picture,
    bob: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    stored_keys: StoredKeys,
) -> None:
    other = make_picture(make_user("carol", "Basic"), jpeg(900, 600))
    ensure_thumbnails(picture.pk)
    ensure_thumbnails(other.pk)
    with django_capture_on_commit_callbacks(execute=True):
        set_heights(tier=tier("Enterprise"), heights=[300])
    assert heights(picture) == [300]
    assert heights(other) == [200]
    assert Backfill.objects.get().state == Backfill.State.DONE
    assert set(stored_keys()) == {picture.key, other.key, *keys(picture, other)}


def test_moving_an_account_to_another_tier_renders_its_pictures_again(
    picture: Picture,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ensure_thumbnails(picture.pk)
    with django_capture_on_commit_callbacks(execute=True):
        move_to_tier(alice, make_tier("Poster", [1000, 50]))
    assert heights(picture) == [50, 1000]


def test_the_sweep_retries_a_picture_once_a_minute(picture: Picture) -> None:
    assert take_overdue() == [], "its message has only just been sent"
    overdue = picture.render_ask_at
    assert take_overdue(overdue) == [picture.pk]
    assert take_overdue(overdue) == []
    assert take_overdue(overdue + claims.RETRY_INTERVAL) == [picture.pk]


def test_pictures_of_an_older_release_get_webp_files_and_placeholders(
    picture: Picture,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ensure_thumbnails(picture.pk)
    for row in picture.thumbnails.all():
        picture_storage.delete_many(row.keys[1:])
    picture.thumbnails.update(webp_key="", webp_bytes=0, avif_key="", avif_bytes=0, quality=0)
    Picture.objects.update(thumbhash="", dominant_color="")
    with django_capture_on_commit_callbacks(execute=True):
        call_command("ensure_thumbnails")
    picture.refresh_from_db()
    assert picture.thumbhash
    assert picture.dominant_color
    assert all(row.webp_key for row in picture.thumbnails.all())
    assert set(stored_keys()) == {picture.key, *keys(picture)}


def test_the_command_resumes_and_skips_finished_and_failed_pictures(
    alice: User, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("thumbnails.sweeping.BATCH_SIZE", 2)
    made = [make_picture(alice).pk for _ in range(6)]
    Picture.objects.update(rendering="ready")
    Picture.objects.filter(pk=made[0]).update(thumbhash="AAAAAAA=")
    Picture.objects.filter(pk=made[1]).update(rendering="failed")
    call_command("ensure_thumbnails")
    pending = Picture.objects.pending().order_by("pk").values_list("pk", flat=True)
    assert list(pending) == made[2:]
    assert "4 pictures" in capsys.readouterr().out
    call_command("ensure_thumbnails")
    assert "0 pictures" in capsys.readouterr().out
