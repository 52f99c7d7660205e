"""The outbox of messages to other services, the events for browsers, and heartbeats."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class OutboxMessage(models.Model):
    """A message to other services, written in the transaction that it announces.

    The relay deletes the row once the broker has confirmed the message.
    """

    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        """Leave out the body: it may hold a token."""
        return f"of {self.created_at:%Y-%m-%d %H:%M:%S}"


class Heartbeat(models.Model):
    """When a process that readiness depends on last reported that it works."""

    # Of the process that listens to other services' logouts.
    LISTENER = "auth-events"
    WORKER = "worker"

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Feed(models.Model):
    """The counter of an account's events: `last` is the sequence of the newest.

    Whoever records an event increments `last` first and so locks this row until the commit. Events
    become visible in the order of their sequence, without a gap that could be filled later.
    """

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"at {self.last}"


class PictureEvent(models.Model):
    """An event of an account's pictures, kept for `notifications.feed.RETENTION`."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=24)
    at = models.DateTimeField(default=timezone.now)
    # The picture at that moment; null for an event of all the account's pictures.
    picture = models.JSONField(null=True)
    # Of the event of a link alone.
    link_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "sequence"], name="event_once_per_sequence"),
        ]
        indexes = [models.Index(fields=["at"], name="event_age")]

    def __str__(self) -> str:
        return f"{self.type}, {self.at:%Y-%m-%d %H:%M:%S}"
