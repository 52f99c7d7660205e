"""Compare rows and files, both ways, and the ledger with both; repair what can be repaired."""

from argparse import ArgumentParser
from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from accounts.models import User
from images.exceptions import StorageAway
from images.models import Picture
from images.removals import count_waiting
from upkeep.ledger import compare_ledger, count_ledger
from upkeep.merging import OutOfOrder
from upkeep.progress import progress_bar
from upkeep.quarantine import TIME_FORMAT
from upkeep.repair import repair
from upkeep.verifying import Defect, Finding, Verifier


class Command(BaseCommand):
    """Harmless while the service runs; exits with 1 where something is wrong and stays so."""

    help = (
        "Compare the pictures' rows with the stored files, both ways, and the ledger of what "
        "accounts store with the rows; report the differences."
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
        checked, defects, unrepaired, unmeasured = 0, Counter[str](), 0, 0
        for finding in progress_bar("verify", "keys")(verifier.compare()):
            checked += 1
            if finding and finding.defect == Defect.UNMEASURED:
                unmeasured += not (run and repair(finding, run))
            elif finding:
                defects[finding.defect] += 1
                unrepaired += not self._report(finding, run)
        wrong = self._compare_ledger(fix=options["fix"])
        if wrong:
            defects["wrong in the ledger"] = wrong
            unrepaired += 0 if options["fix"] else wrong
        self._tell_sizes(verifier.stored_bytes, unmeasured, in_full=options["verbosity"] > 1)
        self._summarize(checked, defects, unrepaired)

    def _report(self, finding: Finding, run: str) -> bool:
        """Repair a finding where a run is named, and print it; return whether it was repaired."""
        done = repair(finding, run) if run else ""
        line = f"{finding.defect}: {_description(finding)}"
        with tqdm.external_write_mode():
            self.stdout.write(f"{line} ({done})" if done else line)
        return bool(done)

    def _compare_ledger(self, *, fix: bool) -> int:
        """Print the accounts whose ledger is wrong; return how many there are."""
        count = 0
        for count, found in enumerate(compare_ledger(fix=fix), 1):  # noqa: B007 (read afterwards)
            name = User.objects.filter(pk=found.owner_id).values_list("username", flat=True).first()
            done = " (counted again)" if fix else ""
            self.stdout.write(f"wrong in the ledger: {found} of {name or 'nobody'}{done}")
        return count

    def _tell_sizes(self, stored: int, unmeasured: int, *, in_full: bool) -> None:
        waiting = count_waiting()
        if unmeasured:
            self.stdout.write(f"{unmeasured} copies of older releases are measured by --fix.")
        if waiting.files:
            self.stdout.write(f"{waiting.files} files wait for their removal.")
        if in_full:
            counted = count_ledger()
            self.stdout.write(
                f"{stored} bytes are stored: {counted} in the ledger, {waiting.bytes} waiting for "
                f"their removal; the difference is {stored - counted - waiting.bytes} bytes."
            )

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
