"""How fast thumbnails were made, by all processes together."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import User
from tests.factories import make_picture
from thumbnails import pace
from thumbnails.models import RenderPace, Thumbnail
from thumbnails.pace import PaceMeter, measured_pace
from thumbnails.services import ensure_thumbnails

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_where_nothing_was_rendered_there_is_no_pace() -> None:
    PaceMeter().add(0, 5.0)
    assert measured_pace() is None


def test_processes_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WRITE_INTERVAL", 0.0)
    monkeypatch.setattr(pace, "backfill_threads", lambda: 3)
    for meter in (one := PaceMeter(), PaceMeter(), one):
        meter.add(2, 4.0)
    found = measured_pace()
    assert found == (6, 12.0, 6)
    assert found is not None
    assert found.seconds_for(60) == 20.0


def test_a_process_writes_every_few_seconds_and_keeps_the_rest() -> None:
    meter = PaceMeter()
    for _ in range(3):
        meter.add(1, 1.0)
    assert measured_pace() == (1, 1.0, 1)
    meter._written_at -= pace.WRITE_INTERVAL
    meter.add(1, 1.0)
    assert measured_pace() == (4, 4.0, 1)


def test_only_the_last_day_counts_and_a_week_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    PaceMeter().add(8, 1.0)
    now = timezone.now()
    RenderPace.objects.update(hour=now - timedelta(days=2))
    assert measured_pace() is None
    PaceMeter().add(1, 1.0)
    assert measured_pace() == (1, 1.0, 1)
    RenderPace.objects.filter(thumbnails=8).update(hour=now - timedelta(days=8))
    PaceMeter().add(1, 1.0)
    assert not RenderPace.objects.filter(thumbnails=8).exists()


def test_a_database_that_is_away_costs_a_measurement_and_no_rendering(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_away(*_: object) -> None:
        raise DatabaseError

    meter = PaceMeter()
    monkeypatch.setattr(meter, "_write", be_away)
    monkeypatch.setattr("thumbnails.services.pace_meter", meter)
    ensure_thumbnails(make_picture(alice).pk)
    assert Thumbnail.objects.filter(owner=alice).exists()


def test_what_a_worker_renders_is_counted(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thumbnails.services.pace_meter", PaceMeter())
    picture = make_picture(alice)
    ensure_thumbnails(picture.pk)
    ensure_thumbnails(picture.pk)
    found = measured_pace()
    assert found is not None
    assert found.thumbnails == Thumbnail.objects.count() == 2
    assert 0 < found.seconds < 60
