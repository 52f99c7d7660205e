"""What is still to be told to services, what is told to browsers, and who is listening."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class OutboxMessage(models.Model):
    """A message to other services, written in the transaction that it tells of.

    The relay deletes the row once the broker has confirmed the message.
    """

    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        """Return when it was written, never the token in it."""
        return f"of {self.created_at:%Y-%m-%d %H:%M:%S}"


class Heartbeat(models.Model):
    """When a process that readiness asks for was last seen at work."""

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the process."""
        return self.name


class Feed(models.Model):
    """Where an account's events stand: `last` is the sequence of its newest.

    Whoever writes an event raises `last` first, and so holds this row until the commit: events
    become visible in the order of their sequence, without a gap that could be filled later.
    """

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        """Return the position."""
        return f"at {self.last}"


class PictureEvent(models.Model):
    """Something that happened to an account's pictures, as it is told; kept for a week."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=24)
    at = models.DateTimeField(default=timezone.now)
    # The picture's facts at that moment; null where all of an account's pictures are meant.
    picture = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "sequence"], name="event_once_per_sequence"),
        ]
        indexes = [models.Index(fields=["at"], name="event_age")]

    def __str__(self) -> str:
        """Return what and when."""
        return f"{self.type}, {self.at:%Y-%m-%d %H:%M:%S}"
