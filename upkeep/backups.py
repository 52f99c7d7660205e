"""A folder with everything: dumps of the database, and every file that one of them names.

Files never change, so each run adds only what is new, and every dump in the folder stays complete.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from images.storage.base import PictureStorage, picture_storage
from images.storage.disk import DiskStorage
from images.storage.listing import StoredFile
from lib import durable_files
from upkeep.copying import FOLDER, Outcome, copied
from upkeep.dumping import dump, load, suffix
from upkeep.merging import merged
from upkeep.quarantine import TIME
from upkeep.referenced_keys import owned_keys
from upkeep.signals import restored

Watch = Callable[[Iterable[Outcome]], Iterable[Outcome]]


class NoBackup(Exception):
    """A folder without a dump of this kind of database."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup's folder, beside the storage in force; `watch` shows how far a walk has come."""

    folder: Path
    place: PictureStorage
    watch: Watch

    @property
    def _files(self) -> DiskStorage:
        return DiskStorage(location=self.folder / "files")

    def add(self, *, files: bool = True) -> tuple[Path, Counter[str]]:
        """Add a dump and the files that are new; returns the dump and what was copied.

        Files first, so that few can be deleted between the dump and their copy; then those that
        came before the dump and after their place in the walk. Raises StorageAway rather than
        leave the files of an unmounted share out.
        """
        if files:
            picture_storage.check()
        durable_files.make_folder(self.folder, 0o700)
        sums = self._copied_here() if files else Counter[str]()
        path = self.folder / f"{timezone.now():{TIME}}{suffix()}"
        dump(path)
        if files:
            sums[Outcome.COPIED] += self._copied_here()[Outcome.COPIED]
        return path, sums

    def _copied_here(self) -> Counter[str]:
        return Counter(self.watch(copied(self.place.walk(FOLDER), self.place, self._files)))

    def restore(self, name: str, *, replacing: bool) -> tuple[Path, Counter[str]]:
        """Load a dump (the newest, or the one named), then bring every file that its rows name.

        In between, `restored` is sent: the files may be long in coming.
        Raises NoBackup, and what `load` raises.
        """
        path = self._chosen(name)
        load(path, replacing=replacing)
        call_command("migrate", interactive=False, verbosity=0)
        restored.send(sender=Backup)
        back = copied(self._wanted(), self._files, self.place)
        return path, Counter(self.watch(back))

    def _chosen(self, name: str) -> Path:
        found = sorted(self.folder.glob(f"{name or '[0-9]*'}{'' if name else suffix()}"))
        if not found:
            raise NoBackup(f"There is no dump {name or '*' + suffix()} in {self.folder}.")
        return found[-1]

    def _wanted(self) -> Iterator[StoredFile]:
        """Files that came after the dump stay where they are: nobody would own them."""
        for owned, stored in merged(owned_keys(), self._files.walk(FOLDER)):
            if owned and stored:
                yield stored
