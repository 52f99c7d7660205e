"""Signals of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# All thumbnails that the tier grants exist. Sends `picture`.
thumbnails_ready = Signal()

# Rendering a picture failed permanently. Sends `picture`.
thumbnails_failed = Signal()

# Pictures of a tier or of accounts are to be looked through. Sends `backfill`.
backfill_started = Signal()

# A backfill has nothing left to do. Sends `backfill`.
backfill_ended = Signal()
