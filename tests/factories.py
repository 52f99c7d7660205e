"""People and pictures for tests: typed functions, each making what a test names."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_api_token_session, open_bearer_session
from images.models import Picture
from images.sandbox.work_dir import work_dir
from images.services import create_picture
from images.storage.keys import USERS
from tests.clients import Client
from tests.known_picture import known_picture, storing_known_picture
from tiers.models import Tier, TierHeight
from upkeep.closed_accounts import close_as_staff, remove_closed_accounts

PASSWORD = "correct horse battery"
_GRANTS = {
    "Basic": ([200], False, False),
    "Premium": ([200, 400], True, False),
    "Enterprise": ([200, 400], True, True),
}


def make_tier(name: str, heights: Iterable[int] = (200,), **fields: Any) -> Tier:
    """Make a tier with its heights."""
    made = Tier.objects.create(name=name, **fields)
    TierHeight.objects.bulk_create(TierHeight(tier=made, height=height) for height in heights)
    return made


def tier(name: str) -> Tier:
    """Return one of the three tiers, also where a flushed database lost the migration's rows."""
    found = Tier.objects.filter(name=name).first()
    if found:
        return found
    heights, original, links = _GRANTS[name]
    return make_tier(name, heights, grants_original=original, grants_links=links)


def make_user(username: str, tier_name: str = "Basic", **fields: Any) -> User:
    """Make an account whose password is PASSWORD."""
    return User.objects.create_user(username, PASSWORD, tier=tier(tier_name), **fields)


def delete_account(user: User) -> None:
    """Delete an account as staff do, and let a worker remove what is its own."""
    # Where a test wrote rows alone, there is no folder, which looks like a share that is away.
    (Path(settings.MEDIA_ROOT) / USERS).mkdir(parents=True, exist_ok=True)
    close_as_staff(user)
    remove_closed_accounts()


def replace_password(user: User, password: str) -> None:
    """Set another password as staff and commands do: every session ends."""
    user.set_password(password)
    user.save(update_fields=["password"])


def make_staff(username: str, *permissions: str, tier_name: str = "Basic") -> User:
    """Make an account of staff with these permissions (`app_label.codename`) alone."""
    made = make_user(username, tier_name, is_staff=True)
    made.user_permissions.set([find_permission(each) for each in permissions])
    return made


def find_permission(name: str) -> Permission:
    app_label, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


def make_picture(
    owner: User, content: bytes | None = None, *, on_commit: Any = None, **fields: Any
) -> Picture:
    """Upload a picture through the service; tests of what is in it pass their own bytes."""
    if content is None:
        with storing_known_picture():
            return _upload(owner, known_picture(), **fields)
    return _upload(owner, content, **fields)


def _upload(owner: User, content: bytes, **fields: Any) -> Picture:
    with NamedTemporaryFile(dir=work_dir()) as upload:
        Path(upload.name).write_bytes(content)
        return create_picture(owner=owner, upload=Path(upload.name), **fields)


def token_client(user: User) -> Client:
    """Return a client that carries an API token."""
    key = open_api_token_session(user, RequestOrigin())
    return Client(headers={"Authorization": f"Token {key}"})


def bearer_client(user: User) -> Client:
    """Return a client that carries a bearer JWT."""
    return Client(headers={"Authorization": f"Bearer {open_bearer_session(user, RequestOrigin())}"})
