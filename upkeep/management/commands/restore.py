"""Restore what `back_up` wrote."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from images.exceptions import StorageAway
from upkeep.backups import Backup, DumpNotFound
from upkeep.copying import CopyDiffers
from upkeep.drill import DrillFailed, drill
from upkeep.dumping import DatabaseNotEmpty
from upkeep.named_storages import open_storage
from upkeep.pg_tools import ToolFailed, ToolMissing
from upkeep.progress import progress_bar


class Command(BaseCommand):
    """Stop the service first. The database is loaded in one transaction, then the files follow."""

    help = "Restore the database and its files from a folder that back_up wrote."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--dump", default="", metavar="NAME", help="the dump to restore (default: the newest)"
        )
        parser.add_argument(
            "--replace", action="store_true", help="restore even into a database that is not empty"
        )

        parser.add_argument(
            "--drill",
            action="store_true",
            help="restore into a throw-away database and folder, try the service there, and tell "
            "the outcome in one line; the running service may go on",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["drill"]:
            self._drill(options["folder"].absolute(), options["dump"])
            return
        backup = Backup(options["folder"].absolute(), open_storage(), progress_bar("restore"))
        try:
            path, outcomes = backup.restore(options["dump"], replace=options["replace"])
        except DatabaseNotEmpty:
            raise CommandError("The database is not empty: --replace would lose it.") from None
        except (DumpNotFound, ToolMissing, ToolFailed, CopyDiffers, StorageAway) as error:
            raise CommandError(f"Not restored: {error}") from error
        self.stdout.write(
            f"{path}: {outcomes['copied']} files, {outcomes['there already']} there already."
        )
        self.stdout.write("Now run verify_storage.")

    def _drill(self, folder: Path, dump: str) -> None:
        try:
            self.stdout.write(drill(folder, dump))
        except DrillFailed as error:
            raise CommandError(f"The drill failed: {error}") from error
