"""Signals of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# Sessions ended. Carries `sessions` (a list of Session rows with their user loaded),
# `authorization` (the Authorization header of the JWT that signed out, or "") and `from_peer`
# (whether another service announced it).
sessions_ended = Signal()

# Accounts moved to another tier. Carries `user_ids` and the `tier` that they have now.
tier_changed = Signal()

# An account's password was replaced, whoever did it. Carries `user`.
password_changed = Signal()

# A session was opened. Carries `session`, with its user, and `is_new_device` (whether the account's
# log knows nothing of where it was opened from).
session_opened = Signal()
