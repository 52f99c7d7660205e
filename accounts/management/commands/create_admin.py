"""Make the first admin account, once."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from accounts.models import User


class Command(BaseCommand):
    """Repeats harmlessly: where an admin exists, nothing changes and nothing is printed."""

    help = "Make the first admin account from ADMIN_USERNAME and ADMIN_PASSWORD (or _FILE)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account; print a password only if it was generated here."""
        if User.objects.filter(is_superuser=True).exists():
            return
        username = settings.ADMIN_USERNAME
        password = settings.ADMIN_PASSWORD or secrets.token_urlsafe(12)
        try:
            with transaction.atomic():
                User.objects.create_superuser(username, password)
        except IntegrityError:
            raise CommandError(f"ADMIN_USERNAME: the login {username} is taken.") from None
        shown = "from ADMIN_PASSWORD" if settings.ADMIN_PASSWORD else f"{password}  (shown once)"
        self.stdout.write(f"Admin account: {username}   password: {shown}")
