"""Rows and files compared, both ways, by walking both in the order of their keys."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils import timezone

from images.storage.base import picture_storage
from images.storage.listing import StoredFile
from upkeep.merging import merged
from upkeep.referenced_keys import Owned, is_owned, owned_keys


class Wrong(StrEnum):
    """What can be wrong."""

    MISSING = "missing"
    SIZE = "wrong size"
    CONTENT = "wrong content"
    NOBODYS = "nobody's"


@dataclass(frozen=True, slots=True)
class Finding:
    """A key with which something is wrong; `owned` where a row names it."""

    key: str
    wrong: Wrong
    owned: Owned | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Compares; `grace` is how old a file without a row must be, `hashing` reads every original."""

    grace: timedelta
    hashing: bool = False

    def compare(self) -> Iterator[Finding | None]:
        """Yield for each key what is wrong with it, or None.

        What looks wrong is looked at again: an upload writes its file before its row, a deletion
        removes its row before its file, and both may happen while the walks go on.
        """
        for owned, stored in merged(owned_keys(), picture_storage.walk()):
            found = self._looked_at(owned, stored)
            yield found if found and self._still(found, stored) else None

    def _looked_at(self, owned: Owned | None, stored: StoredFile | None) -> Finding | None:
        if owned is None:
            return Finding(stored.key, Wrong.NOBODYS) if stored else None
        if stored is None:
            return Finding(owned.key, Wrong.MISSING, owned)
        if not stored.bytes or owned.bytes not in {None, stored.bytes}:
            return Finding(owned.key, Wrong.SIZE, owned)
        if self.hashing and owned.sha256 and _differs(owned):
            return Finding(owned.key, Wrong.CONTENT, owned)
        return None

    def _still(self, found: Finding, stored: StoredFile | None) -> bool:
        if found.wrong == Wrong.NOBODYS:
            young = stored is not None and timezone.now() - stored.modified_at < self.grace
            return not young and not is_owned(found.key)
        gone_by_now = found.wrong == Wrong.MISSING and picture_storage.exists(found.key)
        return not gone_by_now and is_owned(found.key)


def sha256_of(key: str) -> str:
    """Return the SHA-256 of stored bytes, in hexadecimal; raises FileNotFoundError."""
    with picture_storage.open(key) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _differs(owned: Owned) -> bool:
    try:
        return sha256_of(owned.key) != owned.sha256
    except (
        FileNotFoundError
    ):  # deleted since the listing; its row is gone too, or it shows next time
        return False
