"""Rows and files compared, both ways, by streaming both in the order of their keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from django.utils import timezone

from images.removals import waits_for_removal
from images.storage.base import picture_storage
from images.storage.listing import StoredFile
from upkeep.merging import merge_by_key
from upkeep.referenced_keys import ReferencedKey, is_referenced, referenced_keys


class Defect(StrEnum):
    """What can be wrong with a key."""

    MISSING = "missing"
    SIZE = "wrong size"
    CONTENT = "wrong content"
    UNREFERENCED = "nobody's"
    UNMEASURED = "of unknown size"


@dataclass(frozen=True, slots=True)
class Finding:
    """A key with a defect; `reference` where a row names it, `bytes` where a file is there."""

    key: str
    defect: Defect
    reference: ReferencedKey | None = None
    bytes: int = 0


@dataclass(slots=True)
class Verifier:
    """Compares rows and files; `compare_content` reads every original.

    A file without a row that is younger than `grace` may belong to an upload. `stored_bytes` counts
    what has been seen on the storage.
    """

    grace: timedelta
    compare_content: bool = False
    stored_bytes: int = 0

    def compare(self) -> Iterator[Finding | None]:
        """Yield for each key what is wrong with it, or None.

        Each defect is looked up again: an upload writes its file before its row, a deletion deletes
        its row before its file, and both may happen while rows and files are read.
        """
        for reference, stored in merge_by_key(referenced_keys(), picture_storage.walk()):
            self.stored_bytes += stored.bytes if stored else 0
            finding = self._inspect(reference, stored)
            yield finding if finding and self._is_confirmed(finding, stored) else None

    def _inspect(
        self, reference: ReferencedKey | None, stored: StoredFile | None
    ) -> Finding | None:
        if reference is None:
            return Finding(stored.key, Defect.UNREFERENCED, None, stored.bytes) if stored else None
        if stored is None:
            return Finding(reference.key, Defect.MISSING, reference)
        if not stored.bytes or reference.bytes not in {None, stored.bytes}:
            return Finding(reference.key, Defect.SIZE, reference, stored.bytes)
        if self.compare_content and reference.sha256 and _has_other_content(reference):
            return Finding(reference.key, Defect.CONTENT, reference, stored.bytes)
        if reference.bytes is None:
            return Finding(reference.key, Defect.UNMEASURED, reference, stored.bytes)
        return None

    def _is_confirmed(self, finding: Finding, stored: StoredFile | None) -> bool:
        if finding.defect == Defect.UNREFERENCED:
            is_young = stored is not None and timezone.now() - stored.modified_at < self.grace
            is_named = is_referenced(finding.key) or waits_for_removal(finding.key)
            return not is_young and not is_named
        is_there = finding.defect == Defect.MISSING and picture_storage.exists(finding.key)
        return not is_there and is_referenced(finding.key)


def _has_other_content(reference: ReferencedKey) -> bool:
    try:
        return picture_storage.sha256(reference.key) != reference.sha256
    except FileNotFoundError:  # deleted since it was listed
        return False
