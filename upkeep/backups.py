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
from upkeep.copying import Outcome, copy_files
from upkeep.dumping import dump, dump_suffix, load
from upkeep.merging import merge_by_key
from upkeep.quarantine import TIME_FORMAT
from upkeep.referenced_keys import referenced_keys
from upkeep.signals import restored

Progress = Callable[[Iterable[Outcome]], Iterable[Outcome]]


class DumpNotFound(Exception):
    """The folder has no dump of this name, or none of this kind of database."""


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

        Files first, so that few can be deleted between the dump and their copy; then those that
        came before the dump and after their place in the listing. Raise StorageAway rather than
        leave the files of an unmounted share out.
        """
        if files:
            picture_storage.check()
        durable_files.make_folder(self.folder, 0o700)
        outcomes = self._copy_new_files() if files else Counter[str]()
        path = self.folder / f"{timezone.now():{TIME_FORMAT}}{dump_suffix()}"
        dump(path)
        if files:
            outcomes[Outcome.COPIED] += self._copy_new_files()[Outcome.COPIED]
        return path, outcomes

    def _copy_new_files(self) -> Counter[str]:
        copies = copy_files(self.storage.walk(), self.storage, self._files)
        return Counter(self.show_progress(copies))

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
