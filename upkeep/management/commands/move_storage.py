"""Copy every file to another storage: from disk to S3, back, or between two of a kind."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from images.exceptions import StorageAway
from images.storage.base import PictureStorage
from images.storage.keys import USERS
from images.storage.urls import InvalidStorageUrl
from upkeep.copying import CopyDiffers, copy_files, delete_copied_files
from upkeep.merging import OutOfOrder
from upkeep.named_storages import open_storage, probe_file
from upkeep.progress import progress_bar

_SAME_STORAGE = "Name two different storages: --from, --to, or both."
_STILL_USED = "The service still uses the source: set its STORAGE_URL first."


class Command(BaseCommand):
    """Safe while the service runs; begun again, it goes on with what is left."""

    help = (
        "Copy the pictures' files to another storage and read each back; deletes none by default."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
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
        try:
            source, target = (open_storage(options[name]) for name in ("source", "target"))
            if source.url == target.url:
                raise CommandError(_SAME_STORAGE)
            if options["remove_source"]:
                _refuse_files_in_use(source, target, open_storage())
            self._move(source, target, options)
        except InvalidStorageUrl as error:
            raise CommandError(f"The address is wrong: {error}") from None
        except CopyDiffers as error:
            raise CommandError(f"Not what was written: {error}. Nothing was deleted.") from None
        except (StorageAway, OutOfOrder) as error:
            raise CommandError(f"Stopped, begin again: {error}") from error

    def _move(
        self, source: PictureStorage, target: PictureStorage, options: dict[str, Any]
    ) -> None:
        copies = copy_files(source.walk(), source, target, compare_content=options["hash"])
        outcomes: Counter[str] = Counter(progress_bar("copy")(copies))
        self.stdout.write(f"{_summary(outcomes)}.")
        if options["remove_source"]:
            outcomes = Counter(progress_bar("remove")(delete_copied_files(source, target)))
            self.stdout.write(f"From the source: {_summary(outcomes)}.")


def _refuse_files_in_use(
    source: PictureStorage, target: PictureStorage, in_force: PictureStorage
) -> None:
    """Raise CommandError where the source's files are the target's or the service's."""
    if source.url == in_force.url:
        raise CommandError(_STILL_USED)
    if not source.is_mounted():
        raise CommandError(f"The source has no folder {USERS}: is it mounted?")
    with probe_file(source) as key:
        if target.exists(key):
            raise CommandError(_SAME_STORAGE)
        if in_force.exists(key):
            raise CommandError(_STILL_USED)


def _summary(outcomes: Counter[str]) -> str:
    counts = (f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    return ", ".join(counts) or "no files"
