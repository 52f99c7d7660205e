"""What is left to do, asked of the tables at the moment when Prometheus asks."""

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from images.models import Picture
from notifications.models import Heartbeat, OutboxMessage

logger = logging.getLogger(__name__)


class Backlog(Collector):
    """Every process that is asked says the same: take the largest, not the sum."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Say nothing while the database is away: the counters are told all the same."""
        try:
            yield from [_queue_age(), _outbox(), _heartbeats()]
        except DatabaseError as error:
            logger.warning("the tables cannot be asked: %s", type(error).__name__)


def _queue_age() -> GaugeMetricFamily:
    oldest = Picture.objects.pending().aggregate(at=Min("render_wanted_at"))["at"]
    return GaugeMetricFamily(
        "tintype_queue_age_seconds",
        "How long the oldest picture whose thumbnails are wanted has waited.",
        value=_age(oldest) if oldest else 0,
    )


def _outbox() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "tintype_outbox_messages",
        "Messages that are still to be sent to other services.",
        value=OutboxMessage.objects.count(),
    )


def _heartbeats() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "tintype_heartbeat_age_seconds", "Since a part was last at work.", labels=["part"]
    )
    for name, at in Heartbeat.objects.values_list("name", "at"):
        family.add_metric([name], _age(at))
    return family


def _age(at: datetime) -> float:
    return max(0.0, (timezone.now() - at).total_seconds())
