"""What the packages above can listen to."""

from django.dispatch import Signal

# The database was brought back to an earlier moment, and is migrated. No arguments.
restored = Signal()
