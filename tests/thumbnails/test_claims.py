"""Claiming pictures: one worker at a time, a limited number of attempts."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from images.models import Picture
from tests.factories import make_picture
from tests.thumbnails.rows import record_signal, state
from thumbnails import claims
from thumbnails.services import ensure_thumbnails
from thumbnails.signals import thumbnails_failed
from thumbnails.sweeping import take_overdue

pytestmark = pytest.mark.django_db


def test_one_worker_at_a_time_claims_a_picture(picture: Picture) -> None:
    assert claims.claim(picture.pk) is not None
    assert claims.claim(picture.pk) is None


def test_the_picture_of_a_dead_worker_is_taken_over(picture: Picture) -> None:
    claims.claim(picture.pk)
    past = timezone.now() - timedelta(seconds=1)
    Picture.objects.update(render_leased_until=past, render_ask_at=past)
    assert take_overdue() == [picture.pk]
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_a_picture_that_keeps_killing_its_worker_fails_permanently(picture: Picture) -> None:
    sent = record_signal(thumbnails_failed)
    for _ in range(claims.MAX_ATTEMPTS):
        assert claims.claim(picture.pk) is not None
        Picture.objects.update(render_leased_until=timezone.now())
    assert claims.claim(picture.pk) is None
    assert state(picture) == "failed"
    assert picture.render_failure == claims.ATTEMPTS_USED_UP
    assert sent == [picture.pk]
    assert take_overdue() == []


@pytest.mark.django_db(transaction=True)
def test_a_long_rendering_keeps_its_lease(alice: User, settings: Settings) -> None:
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
