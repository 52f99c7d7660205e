"""Signals of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# A picture was stored. Sends `picture`.
picture_created = Signal()

# A picture's description or visibility changed. Sends `picture`.
picture_updated = Signal()

# Description, visibility and the like of several pictures of one account changed. Sends `owner_id`
# and `pictures`.
pictures_updated = Signal()

# A picture became its owner's active one. Sends `picture`.
picture_activated = Signal()

# A picture is about to be deleted, with everything that refers to it. Sends `picture`.
picture_deleted = Signal()

# Several pictures of one account are about to be deleted. Sends `owner_id` and `pictures`.
pictures_deleted = Signal()

# All pictures of an account are about to be deleted. Sends `owner_id`.
pictures_cleared = Signal()

# Thumbnails are requested again. Sends `picture_ids` and `replace` (also those that exist).
thumbnails_requested = Signal()

# A link was opened for the first time. Sends `link_id` and `picture`.
link_first_opened = Signal()

# Links were opened. Sends `count` and `at`.
links_opened = Signal()
