"""Copy every file to another storage: from disk to S3, back, or between two of a kind."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from images.exceptions import StorageAway
from images.storage.base import PictureStorage
from images.storage.keys import USERS
from images.storage.urls import BadPlace
from upkeep.copying import FOLDER, NotTheSame, copied, removed
from upkeep.merging import OutOfOrder
from upkeep.named_storages import (
    are_same,
    described,
    opened,
    probe,
)
from upkeep.progress import bar

_ONE_PLACE = "Name two different storages: --from, --to, or both."
_STILL_USED = "The service still uses the source: set its STORAGE_URL first."


class Command(BaseCommand):
    """Safe while the service runs; begun again, it goes on with what is left."""

    help = (
        "Copy the pictures' files to another storage and read each back; deletes none by default."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Two places, of which one is usually the storage in force."""
        storage_help = "a URL like STORAGE_URL (default: the storage in use)"
        parser.add_argument("--from", dest="source", metavar="URL", help=storage_help)
        parser.add_argument("--to", dest="target", metavar="URL", help=storage_help)
        parser.add_argument(
            "--hash",
            action="store_true",
            help="compare the content of files that the target has already",
        )
        parser.add_argument(
            "--remove-source",
            action="store_true",
            help="afterwards delete the source's files that the target has",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Turn what stops the copying into one line."""
        try:
            source, target = (opened(described(options[name])) for name in ("source", "target"))
            self._refuse_nonsense(source, target, removing=options["remove_source"])
            self._move(source, target, options)
        except BadPlace as bad:
            raise CommandError(f"The address is wrong: {bad}") from None
        except NotTheSame as error:
            raise CommandError(f"Not what was written: {error}. Nothing was deleted.") from None
        except (StorageAway, OutOfOrder) as error:
            raise CommandError(f"Stopped, begin again: {error}") from error

    def _refuse_nonsense(
        self, source: PictureStorage, target: PictureStorage, *, removing: bool
    ) -> None:
        if are_same(source, target):
            raise CommandError(_ONE_PLACE)
        if removing:
            self._refuse_to_remove(source, target, opened(described(None)))

    def _refuse_to_remove(
        self, source: PictureStorage, target: PictureStorage, in_force: PictureStorage
    ) -> None:
        """What a removal would take from the target or the service is never removed."""
        if are_same(source, in_force):
            raise CommandError(_STILL_USED)
        if not source.is_mounted():
            raise CommandError(f"The source has no folder {USERS}: is it mounted?")
        with probe(source) as key:
            if target.exists(key):
                raise CommandError(_ONE_PLACE)
            if in_force.exists(key):
                raise CommandError(_STILL_USED)

    def _move(
        self, source: PictureStorage, target: PictureStorage, options: dict[str, Any]
    ) -> None:
        copies = copied(source.walk(FOLDER), source, target, comparing=options["hash"])
        sums: Counter[str] = Counter(bar("copy")(copies))
        self.stdout.write(f"{_written(sums)}.")
        if options["remove_source"]:
            sums = Counter(bar("remove")(removed(source, target)))
            self.stdout.write(f"From the source: {_written(sums)}.")


def _written(sums: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(sums.items())) or "no files"
