"""Delete old backups from a folder."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from upkeep.backups import Backup
from upkeep.named_storages import open_storage
from upkeep.progress import progress_bar
from upkeep.retention import Retention


def _count(text: str) -> int:
    if not text.isdigit():
        raise ArgumentTypeError("it must be a number, 0 or more.")
    return int(text)


class Command(BaseCommand):
    """What `back_up` has written, and nothing else in its folder."""

    help = (
        "Delete the dumps that are not the newest of one of the last days, weeks or months with a "
        "dump, and the files that no remaining dump names. The newest dump always stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--days", type=_count, default=14, help="(default: 14)")
        parser.add_argument("--weeks", type=_count, default=8, help="(default: 8)")
        parser.add_argument("--months", type=_count, default=12, help="(default: 12)")

    def handle(self, *args: Any, **options: Any) -> None:
        backup = Backup(options["folder"].absolute(), open_storage(), progress_bar("prune"))
        retention = Retention(options["days"], options["weeks"], options["months"])
        try:
            pruned = backup.prune(retention)
        except OSError as error:
            raise CommandError(f"Not pruned: {error}") from error
        for name in pruned.dumps:
            self.stdout.write(f"deleted: {name}")
        self.stdout.write(
            f"{pruned.kept} dumps kept, {len(pruned.dumps)} deleted with {pruned.files} files "
            f"({filesizeformat(pruned.bytes)})."
        )
