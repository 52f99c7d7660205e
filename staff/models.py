"""What is counted of each day, and which ready roles were made."""

from typing import NamedTuple

from django.db import models
from django.utils import timezone


class TierCounts(NamedTuple):
    """A tier as it was when it was counted: accounts, and what the ledger says of them together."""

    name: str
    accounts: int
    pictures: int
    originals_bytes: int
    thumbnails_bytes: int
    other_bytes: int

    @property
    def stored_bytes(self) -> int:
        return self.originals_bytes + self.thumbnails_bytes + self.other_bytes


class Day(models.Model):
    """A day (UTC): what happened on it, and how everything was when it was counted last.

    `staff.counting` writes it, so that nobody who looks has to count.
    """

    date = models.DateField(primary_key=True)
    uploads = models.BigIntegerField(default=0, db_default=0)
    openings = models.BigIntegerField(default=0, db_default=0)

    # Null until the day has been counted. Before `uploads_until` every upload is in `uploads`.
    counted_at = models.DateTimeField(null=True)
    uploads_until = models.DateTimeField(null=True)
    # When it is worth counting again.
    due_at = models.DateTimeField(null=True)
    accounts = models.BigIntegerField(default=0, db_default=0)
    live_links = models.BigIntegerField(default=0, db_default=0)
    live_sessions = models.BigIntegerField(default=0, db_default=0)
    # Lists of the fields of TierCounts.
    tiers = models.JSONField(default=list, db_default=[])

    def __str__(self) -> str:
        return str(self.date)

    @property
    def is_counted(self) -> bool:
        return self.counted_at is not None

    @property
    def tier_counts(self) -> list[TierCounts]:
        return [TierCounts(*each) for each in self.tiers]

    @property
    def pictures(self) -> int:
        return sum(each.pictures for each in self.tier_counts)

    @property
    def originals_bytes(self) -> int:
        return sum(each.originals_bytes for each in self.tier_counts)

    @property
    def thumbnails_bytes(self) -> int:
        return sum(each.thumbnails_bytes for each in self.tier_counts)

    @property
    def other_bytes(self) -> int:
        return sum(each.other_bytes for each in self.tier_counts)

    @property
    def stored_bytes(self) -> int:
        return sum(each.stored_bytes for each in self.tier_counts)


class MadeRole(models.Model):
    """A ready role that was made, or was there, once: it is never made again (`staff.roles`)."""

    name = models.CharField(max_length=150, primary_key=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
