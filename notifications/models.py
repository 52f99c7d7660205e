"""What is still to be told, and who is listening."""

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
