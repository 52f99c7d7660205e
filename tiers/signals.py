"""News of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# What a tier's thumbnails are to be changed: their heights or their quality. Carries `tier`.
thumbnails_changed = Signal()
