"""Where files go that no row names, or that differ from their row: moved, never deleted."""

from images.storage.base import picture_storage

# What one run moves lies together, and can be put back.
TIME_FORMAT = "%Y-%m-%dT%H%M%SZ"


def quarantine_key(key: str, run: str) -> str:
    """Return the key of a file in quarantine; `run` is a time in TIME_FORMAT."""
    return f"quarantine/{run}/{key}"


def move_to_quarantine(key: str, run: str) -> None:
    """Move a file into quarantine; raise FileNotFoundError."""
    picture_storage.move(key, quarantine_key(key, run))
