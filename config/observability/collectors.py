"""Metrics that are computed when Prometheus scrapes them: of the database, and of the disks."""

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from images.models import Picture
from images.storage.base import picture_storage
from lib.room import check_room, free_bytes
from notifications.models import Heartbeat, OutboxMessage

logger = logging.getLogger(__name__)


class BacklogCollector(Collector):
    """Reports waiting work; every process reports the same values: aggregate by max, not sum."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield nothing while the database is away, so that the counters can still be scraped."""
        try:
            yield from [_queue_age(), _outbox_messages(), _heartbeat_ages()]
        except DatabaseError as error:
            logger.warning("the backlog could not be read: %s", type(error).__name__)


class RoomCollector(Collector):
    """Reports the room where files are written, as each machine or container sees it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        free = GaugeMetricFamily(
            "tintype_free_bytes", "Bytes that can still be written.", labels=["folder"]
        )
        writable = GaugeMetricFamily(
            "tintype_disk_takes_files",
            "Whether a few bytes could be written, and more can: 1, else 0.",
            labels=["folder"],
        )
        for name, folder in _folders().items():
            if folder.is_dir():
                free.add_metric([name], free_bytes(folder))
                writable.add_metric([name], _takes_files(folder))
        yield from [free, writable]


def _folders() -> dict[str, Path]:
    """Return where uploads lie while they are looked at, and the pictures where that is a disk."""
    folders = {"work": Path(settings.FILE_UPLOAD_TEMP_DIR)}
    pictures = picture_storage.folder
    return folders | {"pictures": pictures} if pictures else folders


def _takes_files(folder: Path) -> int:
    try:
        check_room(folder)
    except OSError:
        return 0
    return 1


def _queue_age() -> GaugeMetricFamily:
    oldest = Picture.objects.pending().aggregate(at=Min("render_wanted_at"))["at"]
    return GaugeMetricFamily(
        "tintype_queue_age_seconds",
        "Seconds that the oldest picture has waited for its thumbnails.",
        value=_age(oldest) if oldest else 0,
    )


def _outbox_messages() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "tintype_outbox_messages",
        "Logout messages not yet published to other services.",
        value=OutboxMessage.objects.count(),
    )


def _heartbeat_ages() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "tintype_heartbeat_age_seconds", "Seconds since a part's last heartbeat.", labels=["part"]
    )
    for name, at in Heartbeat.objects.values_list("name", "at"):
        family.add_metric([name], _age(at))
    return family


def _age(at: datetime) -> float:
    return max(0.0, (timezone.now() - at).total_seconds())
