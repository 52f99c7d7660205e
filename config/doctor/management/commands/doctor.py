"""Push a real picture through the running deployment and say what is wrong."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.doctor import conditions, fan_out
from config.doctor.check_account import patient
from config.doctor.examination import Step, Trouble, examine
from config.doctor.http_client import Visitor
from config.doctor.smoke_test import Journey

# A worker that has just been started shows within this that it lives.
_PARTS_SECONDS = 30.0


class Command(BaseCommand):
    """Leaves nothing behind: its account and picture go, whatever happens."""

    help = "Examine the deployment at PUBLIC_URL: one line each, exit code 1 if anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say where and how patiently."""
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="instead of PUBLIC_URL")
        parser.add_argument("--patience", type=float, default=60.0, help="seconds for each wait")

    def handle(self, *args: Any, url: str, patience: float, **options: Any) -> None:
        """Print each finding as it is made."""
        if not url.startswith(("http://", "https://")):
            raise CommandError("PUBLIC_URL or --url must start with http:// or https://.")
        visitor = Visitor(url.rstrip("/"))
        troubles = examine(_conditions(visitor, patience), self._say)
        troubles += self._journey(visitor, patience)
        if troubles:
            raise CommandError(f"{troubles} wrong.")
        self._say("Everything works.\n")

    def _journey(self, visitor: Visitor, patience: float) -> int:
        try:
            with patient() as (user, password), ExitStack() as resources:
                journey = Journey(visitor, user, password, patience, resources)
                return examine(_steps(journey), self._say)
        except Trouble as trouble:
            self._say(f"{'account':<16}WRONG  {trouble}\n")
            return 1

    def _say(self, words: str) -> None:
        self.stdout.write(words, ending="")
        self.stdout.flush()


def _conditions(visitor: Visitor, patience: float) -> Iterator[Step]:
    yield Step("secrets", conditions.secrets)
    yield Step("database clock", conditions.clock_of_database)
    yield Step("storage", conditions.storage)
    yield Step("address", partial(conditions.address, visitor))
    yield Step("service clock", partial(conditions.clock_of_service, visitor))
    yield Step("parts", partial(conditions.parts, visitor, min(patience, _PARTS_SECONDS)))


def _steps(journey: Journey) -> Iterator[Step]:
    yield from journey.steps()
    yield Step("logouts out", partial(fan_out.told, journey))
    yield Step("logouts in", partial(fan_out.heard, journey))
