"""Where files go that nobody owns, or that are not what their row says: moved, never deleted."""

from images import storage

FOLDER = "quarantine"


def put_away(key: str, when: str) -> str:
    """Move a file out of the way and return where it is now; raises FileNotFoundError.

    `when` names the folder, so that all of one run lie together and can be put back.
    """
    kept = f"{FOLDER}/{when}/{key}"
    storage.move(key, kept)
    return kept
