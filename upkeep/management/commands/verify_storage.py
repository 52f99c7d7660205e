"""Compare rows and files, both ways; repair what can be repaired."""

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
from upkeep.progress import progress_bar
from upkeep.quarantine import TIME_FORMAT
from upkeep.repair import repair
from upkeep.verifying import Finding, Verifier


class Command(BaseCommand):
    """Harmless while the service runs; exits with 1 where something is wrong and stays so."""

    help = (
        "Compare the pictures' rows with the stored files, both ways, and report the differences."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
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
        try:
            self._verify(options)
        except (StorageAway, OutOfOrder) as error:
            raise CommandError(f"The storage cannot be read: {error}") from error

    def _verify(self, options: dict[str, Any]) -> None:
        grace = timedelta(minutes=options["grace"])
        verifier = Verifier(grace, compare_content=options["hash"])
        run = f"{timezone.now():{TIME_FORMAT}}" if options["fix"] else ""
        checked, defects, unrepaired = 0, Counter[str](), 0
        for finding in progress_bar("verify", "keys")(verifier.compare()):
            checked += 1
            if finding:
                defects[finding.defect] += 1
                unrepaired += not self._report(finding, run)
        self._summarize(checked, defects, unrepaired)

    def _report(self, finding: Finding, run: str) -> bool:
        """Repair a finding where a run is named, and print it; return whether it was repaired."""
        done = repair(finding, run) if run else ""
        line = f"{finding.defect}: {_description(finding)}"
        with tqdm.external_write_mode():
            self.stdout.write(f"{line} ({done})" if done else line)
        return bool(done)

    def _summarize(self, checked: int, defects: Counter[str], unrepaired: int) -> None:
        counts = ", ".join(f"{count} {defect}" for defect, count in sorted(defects.items()))
        self.stdout.write(f"{checked} keys compared: {counts or 'all is well'}.")
        if unrepaired:
            raise CommandError(f"{unrepaired} are left that way.")


def _description(finding: Finding) -> str:
    if finding.reference is None:
        return finding.key
    pictures = Picture.objects.filter(pk=finding.reference.picture_id)
    uid, owner = pictures.values_list("uid", "owner__username").first() or ("gone", "nobody")
    return f"{finding.reference.kind} {finding.key}, picture {uid} of {owner}"
