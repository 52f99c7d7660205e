"""News of this package, sent inside the transaction that made the change."""

from django.dispatch import Signal

# Sessions ended. Carries `sessions` (a list of Session rows, their user loaded) and `token`:
# the JWT that was signed out with, or "" where the token itself is not at hand; `heard`: whether
# another service told us, and so knows already.
sessions_ended = Signal()

# An account moved to another tier. Carries `user`.
tier_changed = Signal()
