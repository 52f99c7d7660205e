"""Take a real picture through the running deployment and report what is wrong."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.doctor import logout_fan_out, preconditions
from config.doctor.check_account import create_check_account
from config.doctor.checks import Check, CheckFailed, run_checks
from config.doctor.http_client import HttpClient
from config.doctor.smoke_test import SmokeTest

# A worker that has just been started writes its first heartbeat within this.
_MAX_PARTS_TIMEOUT = 30.0


class Command(BaseCommand):
    """Leaves nothing behind: the account and its picture are deleted whatever happens."""

    help = "Check the deployment at PUBLIC_URL: one line per check, exit code 1 if any fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="instead of PUBLIC_URL")
        parser.add_argument(
            "--patience",
            type=float,
            default=60.0,
            help="seconds to wait for a worker or another service (default: 60)",
        )

    def handle(self, *args: Any, url: str, patience: float, **options: Any) -> None:
        if not url.startswith(("http://", "https://")):
            raise CommandError("PUBLIC_URL or --url must start with http:// or https://.")
        client = HttpClient(url.rstrip("/"))
        failures = run_checks(_preconditions(client, patience), self._write)
        failures += self._run_smoke_test(client, patience)
        if failures:
            raise CommandError(f"{failures} wrong.")
        self._write("Everything works.\n")

    def _run_smoke_test(self, client: HttpClient, timeout: float) -> int:
        try:
            with create_check_account() as (user, password), ExitStack() as resources:
                smoke_test = SmokeTest(client, user, password, timeout, resources)
                return run_checks(_smoke_test_checks(smoke_test), self._write)
        except CheckFailed as failure:
            self._write(f"{'account':<16}WRONG  {failure}\n")
            return 1

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()


def _preconditions(client: HttpClient, timeout: float) -> Iterator[Check]:
    parts_timeout = min(timeout, _MAX_PARTS_TIMEOUT)
    yield Check("secrets", preconditions.check_secrets)
    yield Check("database clock", preconditions.check_database_clock)
    yield Check("storage", preconditions.check_storage)
    yield Check("sandbox", preconditions.check_sandbox)
    yield Check("sign-up", preconditions.check_sign_up)
    yield Check("address", partial(preconditions.check_public_url, client))
    yield Check("service clock", partial(preconditions.check_service_clock, client))
    yield Check("parts", partial(preconditions.check_parts, client, parts_timeout))


def _smoke_test_checks(smoke_test: SmokeTest) -> Iterator[Check]:
    yield from smoke_test.checks()
    yield Check("logouts out", partial(logout_fan_out.check_published_logout, smoke_test))
    yield Check("logouts in", partial(logout_fan_out.check_received_logout, smoke_test))
