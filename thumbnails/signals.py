"""News of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# All thumbnails that the tier grants are there. Carries `picture`.
thumbnails_ready = Signal()

# A picture was set aside. Carries `picture`.
thumbnails_failed = Signal()
