"""The admin's history: who did what to which row, and when (Django's `LogEntry`).

Forms write theirs by themselves; whatever else staff do calls `write_history`.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model

from accounts.models import User
from lib.batches import BATCH_SIZE

# What a change message consists of; the admin shows it in the reader's language.
Message = str | list[dict[str, Any]]


def write_history(actor: User, rows: Iterable[Model], message: Message) -> None:
    """Write one entry for each row, batch by batch."""
    rows = iter(rows)
    while batch := list(islice(rows, BATCH_SIZE)):
        LogEntry.objects.log_actions(actor.pk, batch, CHANGE, message)
