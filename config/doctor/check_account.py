"""The temporary account by which the doctor uses the deployment."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import User
from config.doctor.checks import CheckFailed
from thumbnails.deletion import delete_all
from tiers.models import Tier


@contextmanager
def create_check_account() -> Iterator[tuple[User, str]]:
    """Create an account, yield it with its password, and delete it with all its pictures.

    Raise CheckFailed when no tier has a thumbnail height.
    """
    password = secrets.token_urlsafe(24)
    user = User.objects.create_user(f"doctor-{secrets.token_hex(6)}", password, tier=_tier())
    try:
        yield user, password
    finally:
        delete_all(user.pk)
        user.delete()


def _tier() -> Tier:
    # Preferably one that grants everything, so that no check is skipped.
    tiers = Tier.objects.filter(heights__isnull=False).distinct()
    found = tiers.order_by("-grants_links", "-grants_original", "pk").first()
    if found is None:
        raise CheckFailed("no tier has a height", "make one in the admin")
    return found
