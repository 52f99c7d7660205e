"""Remove the second factor of an account whose owner has lost it: for the operator."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.second_factor import remove_factor


class Command(BaseCommand):
    """Repeats harmlessly."""

    help = (
        "Remove the second factor of an account, and end its sessions; at the next sign-in to the "
        "admin it adds another."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login")

    def handle(self, *args: Any, login: str, **options: Any) -> None:
        """Say what was done, or that there was nothing to do."""
        try:
            user = User.objects.get_by_natural_key(login)
        except User.DoesNotExist:
            raise CommandError(f"There is no account with the login {login}.") from None
        if remove_factor(user):
            self.stdout.write(f"{user.username} has no second factor any more; its sessions ended.")
        else:
            self.stdout.write(f"{user.username} has no second factor.")
