"""The account that the doctor makes for a visit, and takes away with all it left."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import User
from config.doctor.examination import Trouble
from images.services import delete_all
from tiers.models import Tier


@contextmanager
def patient() -> Iterator[tuple[User, str]]:
    """Make an account and its password; raises Trouble where no tier has thumbnails."""
    password = secrets.token_urlsafe(24)
    user = User.objects.create_user(f"doctor-{secrets.token_hex(6)}", password, tier=_tier())
    try:
        yield user, password
    finally:
        delete_all(user.pk)
        user.delete()


def _tier() -> Tier:
    """Prefer one that may do everything."""
    tiers = Tier.objects.filter(heights__isnull=False).distinct()
    found = tiers.order_by("-grants_links", "-grants_original", "pk").first()
    if found is None:
        raise Trouble("no tier has a height", "make one in the admin")
    return found
