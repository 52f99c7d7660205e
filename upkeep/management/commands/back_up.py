"""Add a dump of the database, and the files that are new, to a folder."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from images.exceptions import StorageAway
from upkeep.backups import Backup
from upkeep.copying import CopyDiffers
from upkeep.named_storages import open_storage
from upkeep.pg_tools import ToolFailed, ToolMissing
from upkeep.progress import progress_bar


class Command(BaseCommand):
    """Safe while the service runs; `restore` is its other half."""

    help = "Back up the database and the files into a folder; the secret key is not in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--no-files", action="store_true", help="back up the database alone")

    def handle(self, *args: Any, **options: Any) -> None:
        backup = Backup(options["folder"].absolute(), open_storage(), progress_bar("back up"))
        try:
            path, outcomes = backup.add(files=not options["no_files"])
        except (ToolMissing, ToolFailed, CopyDiffers, StorageAway, OSError) as error:
            raise CommandError(f"Not backed up: {error}") from error
        self.stdout.write(
            f"{path}: {outcomes['copied']} new files, {outcomes['there already']} kept."
        )
