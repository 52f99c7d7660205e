"""Compare rows and files, both ways; mend what can be mended."""

from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from images.exceptions import StorageAway
from images.models import Picture
from upkeep.merging import OutOfOrder
from upkeep.progress import bar
from upkeep.quarantine import TIME
from upkeep.repair import mend
from upkeep.verifying import Finding, Verifier


class Command(BaseCommand):
    """Harmless while the service runs; exits with 1 where something is wrong and stays so."""

    help = (
        "Compare the pictures' rows with the stored files, both ways, and report the differences."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be asked."""
        parser.add_argument("--fix", action="store_true", help="repair what can be repaired")
        parser.add_argument(
            "--hash",
            action="store_true",
            help="compare the SHA-256 of each original, which reads every file",
        )
        parser.add_argument(
            "--grace",
            type=int,
            default=60,
            metavar="MINUTES",
            help="ignore younger files without a row: an upload may be storing them (default: 60)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Turn what stops the walk into one line."""
        try:
            self._verify(options)
        except (StorageAway, OutOfOrder) as error:
            raise CommandError(f"The storage cannot be read: {error}") from error

    def _verify(self, options: dict[str, Any]) -> None:
        """Walk, say each finding, then the sums."""
        verifier = Verifier(timedelta(minutes=options["grace"]), hashing=options["hash"])
        run = timezone.now().strftime(TIME) if options["fix"] else ""
        checked, sums, left = 0, Counter[str](), 0
        for found in bar("verify", "keys")(verifier.compare()):
            checked += 1
            if found:
                sums[found.wrong] += 1
                left += not self._dealt_with(found, run)
        self._sum_up(checked, sums, left)

    def _dealt_with(self, found: Finding, run: str) -> bool:
        done = mend(found, run) if run else ""
        with tqdm.external_write_mode():
            self.stdout.write(f"{found.wrong}: {_described(found)}{f' ({done})' if done else ''}")
        return bool(done)

    def _sum_up(self, checked: int, sums: Counter[str], left: int) -> None:
        counts = ", ".join(f"{count} {wrong}" for wrong, count in sorted(sums.items()))
        self.stdout.write(f"{checked} keys compared: {counts or 'all is well'}.")
        if left:
            raise CommandError(f"{left} are left that way.")


def _described(found: Finding) -> str:
    if found.owned is None:
        return found.key
    pictures = Picture.objects.filter(pk=found.owned.picture_id)
    uid, owner = pictures.values_list("uid", "owner__username").first() or ("gone", "nobody")
    return f"{found.owned.kind} {found.key}, picture {uid} of {owner}"
