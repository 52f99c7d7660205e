"""Metrics that are computed from the database."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from config.observability.collectors import RoomCollector
from images.models import Picture
from images.sandbox.work_dir import work_dir
from images.storage.urls import describe_storage
from lib.room import MIN_FREE_BYTES
from notifications.models import Heartbeat, OutboxMessage
from tests.clients import Client
from tests.config.observability.scraping import scrape
from tests.factories import make_picture

pytestmark = pytest.mark.django_db


def test_the_backlog_is_reported(alice: User) -> None:
    assert scrape()("tintype_queue_age_seconds") == 0
    make_picture(alice)
    OutboxMessage.objects.create(body="{}")
    Heartbeat.objects.create(name="worker", at=timezone.now() - timedelta(seconds=50))
    Picture.objects.update(render_wanted_at=timezone.now() - timedelta(seconds=500))
    value = scrape()
    assert 500 <= value("tintype_queue_age_seconds") < 560
    assert value("tintype_outbox_messages") == 1
    assert 50 <= value("tintype_heartbeat_age_seconds", part="worker") < 110
    Picture.objects.update(rendering="ready")
    assert scrape()("tintype_queue_age_seconds") == 0


def test_the_queue_age_counts_from_the_latest_request_for_thumbnails(alice: User) -> None:
    picture = make_picture(alice)
    Picture.objects.update(render_wanted_at=timezone.now() - timedelta(days=1), rendering="ready")
    Picture.objects.filter(pk=picture.pk).mark_pending()
    assert scrape()("tintype_queue_age_seconds") < 60


def test_counters_are_reported_while_the_database_is_away() -> None:
    def fail(*args: object) -> None:
        raise OperationalError

    Client().get("/healthz")
    with connection.execute_wrapper(fail):
        value = scrape()
    assert value("tintype_requests_total") > 0
    assert value("python_info") == 1


def test_the_room_of_each_folder_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings
) -> None:
    def values() -> dict[tuple[str, str], float]:
        families = RoomCollector().collect()
        samples = [each for family in families for each in family.samples]
        return {(each.name, each.labels["folder"]): each.value for each in samples}

    work_dir()
    assert values()["tintype_free_bytes", "work"] > MIN_FREE_BYTES
    assert values()["tintype_disk_takes_files", "work"] == 1
    assert ("tintype_free_bytes", "pictures") not in values()
    elsewhere = describe_storage(tmp_path.as_uri(), {})
    settings.STORAGES = {**settings.STORAGES, "default": elsewhere}
    assert values()["tintype_free_bytes", "pictures"] > MIN_FREE_BYTES
    monkeypatch.setattr("lib.room.free_bytes", lambda _: 0)
    assert values()["tintype_disk_takes_files", "work"] == 0
