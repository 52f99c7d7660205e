"""What must hold before anything is tried: secrets, clocks, storage, every part."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from config.doctor.examination import LOOK_EVERY, NotTried, Trouble
from config.doctor.http_client import Visitor, origin_of
from config.env.secret_key import is_weak
from images.exceptions import StorageAway
from images.storage.base import check
from images.storage.keys import folder_of

# Signatures, links and sessions end by the clock; the Date header is exact to a second.
_SKEW = timedelta(seconds=10)
_SHORTEST_PASSWORD = 8
_COMMON = frozenset({"password", "postgres", "rabbitmq", "tintype1", "changeme", "12345678"})
_MEND = {
    "database": "start PostgreSQL and check DATABASE_URL",
    "migrations": "run `manage.py migrate`",
    "cache": "start Redis and check REDIS_URL",
    "broker": "start RabbitMQ (or Redis) and check AMQP_URL",
    "storage": "mount the storage, and make it writable for the service's user",
    "worker": "start `celery -A config worker`",
    "auth-events": "start `manage.py consume_auth_events`",
}


def secrets() -> str:
    """Look for keys and passwords that could be guessed."""
    keys = {
        "SECRET_KEY": [settings.SECRET_KEY],
        "SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS,
    }
    for name, values in keys.items():
        if any(is_weak(value) for value in values):
            raise Trouble(f"{name} could be guessed", "set 50 random characters, see security.md")
    for name in ("DATABASE_URL", "AMQP_URL", "REDIS_URL"):
        password = urlsplit(getattr(settings, name)).password
        if password is not None and (
            len(password) < _SHORTEST_PASSWORD or password.lower() in _COMMON
        ):
            raise Trouble(f"the password in {name} could be guessed", "change it there and here")
    return "none could be guessed"


def clock_of_database() -> str:
    """Compare our clock with the database's."""
    if connection.vendor != "postgresql":
        raise NotTried("the database has no clock of its own")
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return _compared(cursor.fetchone()[0])


def clock_of_service(visitor: Visitor) -> str:
    """Compare our clock with the one that answers."""
    said = visitor.get("/healthz").headers["Date"]
    if not said:
        raise NotTried("its answers bear no Date")
    return _compared(parsedate_to_datetime(said))


def _compared(theirs: datetime) -> str:
    skew = abs(datetime.now(UTC) - theirs)
    if skew > _SKEW:
        raise Trouble(
            f"its clock and this machine's differ by {skew.total_seconds():.0f} s",
            "set both by NTP: links and sessions end by the clock",
        )
    return "agrees with this machine's"


def storage() -> str:
    """Write, read and delete a file."""
    key, content = f"{folder_of(uuid4())}doctor.txt", b"written by the doctor"
    try:
        check()
        stored = default_storage.save(key, ContentFile(content))
        with default_storage.open(stored) as file:
            read = file.read()
        default_storage.delete(stored)
    except OSError as error:
        raise Trouble(f"cannot be written to ({error.strerror})", _MEND["storage"]) from None
    except StorageAway as error:
        raise Trouble(f"is away ({error})", _MEND["storage"]) from None
    if read != content:
        raise Trouble("gives back other bytes than it was given", "check the storage's server")
    _remove_folder(key)
    return "takes, gives and forgets a file"


def _remove_folder(key: str) -> None:
    try:
        default_storage.delete(key.rsplit("/", 1)[0])
    except OSError:
        return


def address(visitor: Visitor) -> str:
    """See whether PUBLIC_URL is what browsers use, and leads to a Tintype."""
    public = settings.PUBLIC_URL
    if not public:
        raise Trouble("PUBLIC_URL is not set", "set it to scheme and host that browsers use")
    answer = visitor.get("/healthz")
    if answer.status != 200 or not answer.headers["X-Request-ID"]:
        raise Trouble(
            f"{visitor.url} is answered by something else ({answer.status})",
            "set PUBLIC_URL and ALLOWED_HOSTS to the host that browsers use",
        )
    if origin_of(visitor.url) != origin_of(public):
        raise Trouble(
            f"the service is found at {visitor.url}, but PUBLIC_URL says {public}",
            "set PUBLIC_URL to where browsers find the service",
        )
    return f"{public} leads to it"


def parts(visitor: Visitor, patience: float) -> str:
    """Ask the deployment itself what it lacks; a busy or starting one may need a moment.

    Named is what never was there: a busy part may miss a look.
    """
    deadline = time.monotonic() + patience
    missing = always = _missing(visitor)
    while missing:
        always = [name for name in always if name in missing]
        if time.monotonic() > deadline:
            raise _lacking(always or missing)
        time.sleep(LOOK_EVERY)
        missing = _missing(visitor)
    return "all there"


def _missing(visitor: Visitor) -> list[str]:
    missing: list[str] = visitor.get("/readyz").json()["missing"]
    return missing


def _lacking(names: list[str]) -> Trouble:
    mends = "; ".join(_MEND.get(name, "see the logs") for name in names)
    return Trouble(f"missing: {', '.join(names)}", mends)
