"""Where files go that nobody owns, or that are not what their row says: moved, never deleted."""

from images.storage.base import picture_storage

FOLDER = "quarantine"
# What is moved by one run lies together, and can be put back.
TIME = "%Y-%m-%dT%H%M%SZ"


def quarantined(key: str, when: str) -> str:
    """Return the key under which a file lies out of the way; `when` as TIME writes it."""
    return f"{FOLDER}/{when}/{key}"


def put_away(key: str, when: str) -> None:
    """Move a file out of the way; raises FileNotFoundError."""
    picture_storage.move(key, quarantined(key, when))
