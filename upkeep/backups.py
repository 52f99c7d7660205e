"""A folder with everything: dumps of the database, and every file that one of them names.

Files never change, so each run adds only what is new, and every dump in the folder stays complete.
The time of a file in the folder is when a run last saw it in the storage: what was last seen before
the oldest dump is named by none.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from images.storage.base import PictureStorage, picture_storage
from images.storage.disk import DiskStorage
from images.storage.listing import StoredFile
from lib import durable_files
from upkeep.copying import Outcome, copy_files
from upkeep.dumping import DUMP_SUFFIXES, dump, dump_suffix, load
from upkeep.merging import merge_by_key
from upkeep.quarantine import TIME_FORMAT
from upkeep.referenced_keys import referenced_keys
from upkeep.retention import Retention
from upkeep.signals import restored

Progress = Callable[[Iterable[Outcome]], Iterable[Outcome]]
_SEEN_SINCE = ".seen-since"


class DumpNotFound(Exception):
    """The folder has no dump of this name, or none of this kind of database."""


@dataclass(slots=True)
class Pruned:
    """What left a folder: names of dumps; files that none of the others names, and their bytes."""

    kept: int
    dumps: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0


def time_of(dump: Path) -> datetime:
    """Return when the run of a dump began."""
    return datetime.strptime(dump.name.split(".")[0], TIME_FORMAT).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup's folder, and the service's storage; `show_progress` is called around each copying.

    `storage` may be empty, unlike `picture_storage`.
    """

    folder: Path
    storage: PictureStorage
    show_progress: Progress

    @property
    def _files(self) -> DiskStorage:
        return DiskStorage(location=self.folder / "files")

    def add(self, *, files: bool = True) -> tuple[Path, Counter[str]]:
        """Add a dump and the files that are new; return the dump and how many were copied.

        It is named after the time at which this begins. Files first, so that few can be deleted
        between the dump and their copy; then those that came before the dump and after their place
        in the listing. Raise StorageAway rather than leave the files of an unmounted share out.
        """
        if files:
            picture_storage.check()
        durable_files.make_folder(self.folder, 0o700)
        path = self.folder / f"{timezone.now():{TIME_FORMAT}}{dump_suffix()}"
        if not files:
            # This dump names files that this run sees nowhere: their times say nothing of it.
            (self.folder / _SEEN_SINCE).unlink(missing_ok=True)
        outcomes = self._copy_new_files() if files else Counter[str]()
        dump(path)
        if files:
            outcomes[Outcome.COPIED] += self._copy_new_files()[Outcome.COPIED]
            self._note_that_files_are_seen(path)
        return path, outcomes

    def _copy_new_files(self) -> Counter[str]:
        root = self._files.root

        def note(key: str) -> None:
            now = time.time()  # of this machine's clock, as the names of dumps are
            os.utime(root / key, (now, now))

        copies = copy_files(self.storage.walk(), self.storage, self._files, note=note)
        return Counter(self.show_progress(copies))

    def _note_that_files_are_seen(self, dump: Path) -> None:
        """Keep which dump is the first from which on every run has set the files' times."""
        with suppress(FileExistsError):
            durable_files.write(self.folder / _SEEN_SINCE, [dump.name.encode()], 0o600)

    def prune(self, retention: Retention) -> Pruned:
        """Delete the dumps that a retention does not keep, then the files that no dump names.

        Files stay as long as a dump is kept of a run that did not set their times: of an older
        release, of the database alone, or from before one of these. Dumps go first: one whose files
        are gone could be restored in part only.
        """
        dumps = {time_of(path): path for path in self._dumps()}
        kept = retention.choose(list(dumps))
        pruned = Pruned(kept=len(kept))
        for at in sorted(set(dumps) - kept):
            pruned.dumps.append(dumps[at].name)
            dumps[at].unlink()
        durable_files.sync_folder(self.folder)
        seen_since = self._seen_since()
        if kept and seen_since and min(kept) >= seen_since:
            for file in self._files.walk():
                if file.modified_at < min(kept):
                    self._files.delete(file.key)
                    pruned.files += 1
                    pruned.bytes += file.bytes
        return pruned

    def _seen_since(self) -> datetime | None:
        with suppress(FileNotFoundError):
            return time_of(Path((self.folder / _SEEN_SINCE).read_text("utf-8")))
        return None

    def _dumps(self) -> Iterator[Path]:
        """Yield the dumps of every kind of database."""
        for path in sorted(self.folder.glob("[0-9]*")):
            if path.suffix in DUMP_SUFFIXES:
                yield path

    def restore(self, name: str, *, replace: bool) -> tuple[Path, Counter[str]]:
        """Load a dump (the newest, or the one named), then copy back every file its rows name.

        In between, `restored` is sent: copying files may take long. Raise DumpNotFound, and what
        `load` raises.
        """
        path = self._find_dump(name)
        load(path, replace=replace)
        call_command("migrate", interactive=False, verbosity=0)
        restored.send(sender=Backup)
        copies = copy_files(self._referenced_files(), self._files, self.storage)
        return path, Counter(self.show_progress(copies))

    def _find_dump(self, name: str) -> Path:
        found = sorted(self.folder.glob(name or f"[0-9]*{dump_suffix()}"))
        if not found:
            raise DumpNotFound(f"There is no dump {name or '*' + dump_suffix()} in {self.folder}.")
        return found[-1]

    def _referenced_files(self) -> Iterator[StoredFile]:
        """Leave out files that came after the dump: no row would name them."""
        for referenced, stored in merge_by_key(referenced_keys(), self._files.walk()):
            if referenced and stored:
                yield stored
