"""News of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# A picture was stored. Carries `picture`.
picture_created = Signal()

# Description or visibility changed. Carries `picture`.
picture_updated = Signal()

# A picture became its owner's active one. Carries `picture`.
picture_activated = Signal()

# A picture is about to go, with all that hangs on it. Carries `picture`.
picture_deleted = Signal()

# Every picture of an account is about to go. Carries `owner_id`.
pictures_cleared = Signal()

# Thumbnails are wanted once more. Carries `picture_ids`, and `anew`: replace those that are there.
thumbnails_wanted = Signal()
