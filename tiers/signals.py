"""News of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# The heights of a tier changed. Carries `tier`.
heights_changed = Signal()
