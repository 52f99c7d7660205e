"""Put back what `back_up` kept."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from images.exceptions import StorageAway
from upkeep.backups import Backup, NoBackup
from upkeep.copying import NotTheSame
from upkeep.dumping import NotEmpty
from upkeep.named_storages import described, opened
from upkeep.pg_tools import ProgramFailed, ProgramMissing
from upkeep.progress import bar


class Command(BaseCommand):
    """Stop the service first. The database is loaded in one transaction, then the files follow."""

    help = "Restore the database and its files from a folder that back_up wrote."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from."""
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--dump", default="", metavar="NAME", help="the dump to restore (default: the newest)"
        )
        parser.add_argument(
            "--replace", action="store_true", help="restore even into a database that is not empty"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was put back."""
        backup = Backup(options["folder"].absolute(), opened(described(None)), bar("restore"))
        try:
            path, sums = backup.restore(options["dump"], replacing=options["replace"])
        except NotEmpty:
            raise CommandError("The database is not empty: --replace would lose it.") from None
        except (NoBackup, ProgramMissing, ProgramFailed, NotTheSame, StorageAway) as error:
            raise CommandError(f"Not restored: {error}") from error
        self.stdout.write(f"{path}: {sums['copied']} files, {sums['there already']} there already.")
        self.stdout.write("Now run verify_storage.")
