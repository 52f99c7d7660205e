"""Signals of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# The heights or the quality of a tier's thumbnails changed. Sends `tier`.
thumbnails_changed = Signal()
