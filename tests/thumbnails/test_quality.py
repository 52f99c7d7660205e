"""A tier's quality: another one reaches every thumbnail, and no cache keeps the old ones."""

from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.services import move_to_tier
from images.models import Picture
from images.services import request_thumbnails
from tests.factories import make_tier, tier
from tests.storages import StoredKeys
from tests.thumbnails.rows import keys
from thumbnails import services
from thumbnails.models import Backfill
from thumbnails.sandbox_work import render_thumbnails
from thumbnails.services import ensure_thumbnails
from tiers.services import set_quality

pytestmark = pytest.mark.django_db


def test_another_quality_replaces_every_thumbnail_under_a_new_key(
    picture: Picture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    stored_keys: StoredKeys,
) -> None:
    ensure_thumbnails(picture.pk)
    old = keys(picture)
    sizes = dict(picture.thumbnails.values_list("height", "bytes"))
    with django_capture_on_commit_callbacks(execute=True):
        set_quality(tier=picture.owner.tier, quality=30)
        assert keys(picture) == old
    assert not keys(picture) & old
    assert set(stored_keys()) == {picture.key, *keys(picture)}
    for row in picture.thumbnails.all():
        assert (row.quality, row.bytes < sizes[row.height]) == (30, True)


def test_the_same_quality_changes_nothing(picture: Picture) -> None:
    ensure_thumbnails(picture.pk)
    set_quality(tier=picture.owner.tier, quality=picture.owner.tier.quality)
    assert not Backfill.objects.running().exists()


def test_a_quality_that_changes_while_rendering_is_applied_afterwards(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = render_thumbnails

    def render_and_change(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(services, "render_thumbnails", render)
        set_quality(tier=tier("Enterprise"), quality=50)
        request_thumbnails([picture.pk])
        return render(*args, **kwargs)

    monkeypatch.setattr(services, "render_thumbnails", render_and_change)
    assert ensure_thumbnails(picture.pk) is True
    assert set(picture.thumbnails.values_list("quality", flat=True)) == {80}
    ensure_thumbnails(picture.pk)
    assert set(picture.thumbnails.values_list("quality", flat=True)) == {50}


def test_an_account_that_changes_tier_gets_the_tiers_quality(
    picture: Picture,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ensure_thumbnails(picture.pk)
    with django_capture_on_commit_callbacks(execute=True):
        move_to_tier(alice, make_tier("Poster", [200], quality=40))
    assert list(picture.thumbnails.values_list("height", "quality")) == [(200, 40)]
