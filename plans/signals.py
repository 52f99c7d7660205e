"""Signals of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# A plan has accounts to move, or to be told; a worker finds which.
work_waits = Signal()
