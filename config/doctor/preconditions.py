"""Checks that need no picture: secrets, clocks, storage, the public URL, and every part."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from io import BytesIO
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.db import connection

from config.doctor.checks import POLL_INTERVAL, CheckFailed, CheckSkipped
from config.doctor.http_client import HttpClient, origin_of
from config.env.secret_key import is_weak
from images.exceptions import StorageAway
from images.sandbox.walls import find_walls
from images.storage.base import picture_storage
from images.storage.keys import folder_of
from tiers.models import Tier

# Signatures, links and sessions end by the clock; a Date header is exact to a second.
_MAX_CLOCK_SKEW = timedelta(seconds=10)
_MIN_PASSWORD_LENGTH = 8
_COMMON_PASSWORDS = frozenset(
    {"password", "postgres", "rabbitmq", "tintype1", "changeme", "12345678"}
)
_SIGN_UP = {
    "open": "everybody can make an account",
    "invite": "whoever is invited can make an account",
    "closed": "staff alone make accounts",
}
_REMEDIES = {
    "database": "start PostgreSQL and check DATABASE_URL",
    "migrations": "run `manage.py migrate`",
    "cache": "start Redis and check REDIS_URL",
    "broker": "start RabbitMQ (or Redis) and check AMQP_URL",
    "storage": "mount the storage, and make it writable for the service's user",
    "worker": "start `celery -A config worker`",
    "auth-events": "start `manage.py consume_auth_events`",
}


def check_secrets() -> str:
    """Check that neither the signing keys nor the servers' passwords could be guessed."""
    keys = {
        "SECRET_KEY": [settings.SECRET_KEY],
        "SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS,
    }
    for name, values in keys.items():
        if any(is_weak(value) for value in values):
            raise CheckFailed(
                f"{name} could be guessed", "set 50 random characters, see security.md"
            )
    for name in ("DATABASE_URL", "AMQP_URL", "REDIS_URL"):
        password = urlsplit(getattr(settings, name)).password
        if password is not None and (
            len(password) < _MIN_PASSWORD_LENGTH or password.lower() in _COMMON_PASSWORDS
        ):
            raise CheckFailed(
                f"the password in {name} could be guessed", "change it there and here"
            )
    return "none could be guessed"


def check_database_clock() -> str:
    if connection.vendor != "postgresql":
        raise CheckSkipped("the database has no clock of its own")
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return _compare_clocks(cursor.fetchone()[0])


def check_service_clock(client: HttpClient) -> str:
    date = client.get("/healthz").headers["Date"]
    if not date:
        raise CheckSkipped("its responses have no Date header")
    return _compare_clocks(parsedate_to_datetime(date))


def _compare_clocks(theirs: datetime) -> str:
    skew = abs(datetime.now(UTC) - theirs)
    if skew > _MAX_CLOCK_SKEW:
        raise CheckFailed(
            f"its clock and this machine's differ by {skew.total_seconds():.0f} s",
            "set both by NTP: links and sessions end by the clock",
        )
    return "agrees with this machine's"


def check_storage() -> str:
    """Write, read and delete a file."""
    folder, content = folder_of(uuid4()), b"written by the doctor"
    key = f"{folder}doctor.txt"
    try:
        picture_storage.check()
        picture_storage.write(key, BytesIO(content))
        with picture_storage.open(key) as file:
            read = file.read()
        picture_storage.delete(key)
    except OSError as error:
        raise CheckFailed(
            f"cannot be written to ({error.strerror})", _REMEDIES["storage"]
        ) from None
    except StorageAway as error:
        raise CheckFailed(f"is away ({error})", _REMEDIES["storage"]) from None
    if read != content:
        raise CheckFailed("returns other bytes than were written", "check the storage's server")
    picture_storage.delete_folder(folder)
    return "a file can be written, read and deleted"


def check_sign_up() -> str:
    """Say who can make an account; check that there is a tier to give."""
    if settings.SIGNUP != "open":
        return f"{_SIGN_UP[settings.SIGNUP]} (SIGNUP={settings.SIGNUP})"
    if not Tier.objects.filter(name=settings.SIGNUP_TIER).exists():
        raise CheckFailed(
            f"SIGNUP_TIER names no tier: {settings.SIGNUP_TIER}",
            "make it in the admin, or set another",
        )
    return f"{_SIGN_UP['open']}, of the tier {settings.SIGNUP_TIER} (SIGNUP=open)"


def check_sandbox() -> str:
    """Build the walls around a decoder as a process of this deployment does."""
    walls = find_walls()
    if walls.missing and settings.CONFINEMENT_REQUIRED:
        raise CheckFailed(f"missing: {walls.missing}", "see security.md, or set CONFINEMENT=off")
    if walls.missing:
        raise CheckSkipped(f"{walls} (CONFINEMENT is off)")
    return str(walls)


def check_public_url(client: HttpClient) -> str:
    """Check that PUBLIC_URL is the URL that browsers use, and leads to a Tintype."""
    public = settings.PUBLIC_URL
    if not public:
        raise CheckFailed("PUBLIC_URL is not set", "set it to scheme and host that browsers use")
    # Not /healthz, which is answered beside the requests.
    response = client.get("/api/user/site/")
    if response.status != 200 or not response.headers["X-Request-ID"]:
        raise CheckFailed(
            f"{client.url} is answered by something else ({response.status})",
            "set PUBLIC_URL and ALLOWED_HOSTS to the host that browsers use",
        )
    if origin_of(client.url) != origin_of(public):
        raise CheckFailed(
            f"the service is found at {client.url}, but PUBLIC_URL says {public}",
            "set PUBLIC_URL to where browsers find the service",
        )
    return f"{public} leads to it"


def check_parts(client: HttpClient, timeout: float) -> str:
    """Wait until `/readyz` misses no part, since one may be starting or busy.

    The failure names the parts that were missing all the time: a busy one may miss a single probe.
    """
    deadline = time.monotonic() + timeout
    missing = always_missing = _missing_parts(client)
    while missing:
        always_missing = [name for name in always_missing if name in missing]
        if time.monotonic() > deadline:
            raise _missing_parts_failure(always_missing or missing)
        time.sleep(POLL_INTERVAL)
        missing = _missing_parts(client)
    return "all there"


def _missing_parts(client: HttpClient) -> list[str]:
    missing: list[str] = client.get("/readyz").json()["missing"]
    return missing


def _missing_parts_failure(names: list[str]) -> CheckFailed:
    remedies = "; ".join(_REMEDIES.get(name, "see the logs") for name in names)
    return CheckFailed(f"missing: {', '.join(names)}", remedies)
