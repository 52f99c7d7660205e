"""How often someone may try to sign in or up: counted before a password is hashed.

Counters live in Redis, shared by every process. While it is away each process counts for itself,
with a log line, so that a flood of sign-ins never becomes a flood of hashing.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address, ip_network

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from accounts.exceptions import TooManyAttempts
from accounts.names import folded
from accounts.request_origin import Client

logger = logging.getLogger(__name__)

SIGN_INS_PER_ADDRESS = RateLimitItemPerMinute(30, namespace="sign-in")
FAILURES_PER_ADDRESS = RateLimitItemPerMinute(10, namespace="sign-in-failed")
FAILURES_PER_LOGIN = RateLimitItemPerMinute(5, 5, namespace="sign-in-failed-login")
FAILURES_IN_ALL = RateLimitItemPerMinute(60, namespace="sign-in-failed-all")
SIGN_UPS_PER_ADDRESS = RateLimitItemPerMinute(20, namespace="sign-up")
DEFAULT_PICTURES_PER_ADDRESS = RateLimitItemPerMinute(20, namespace="default-picture")

Counter = tuple[RateLimitItem, str]


@contextmanager
def sign_in_attempt(login: str, client: Client) -> Iterator["Attempt"]:
    """Count an attempt as failed before it is made; `succeeded` takes it back.

    Raises TooManyAttempts. Counting first keeps a burst of guesses from overtaking the counter.
    """
    address = whose(client)
    failures: list[Counter] = [
        (FAILURES_PER_ADDRESS, address),
        (FAILURES_PER_LOGIN, folded(login)),
        (FAILURES_IN_ALL, ""),
    ]
    admit((SIGN_INS_PER_ADDRESS, address), *failures)
    attempt = Attempt()
    yield attempt
    if attempt.succeeded:
        _take_back(failures)


def whose(client: Client) -> str:
    """Return what a client's calls are counted by: its address, or the /64 that one site has.

    Whoever has one IPv6 address has all 2⁶⁴ of its network (RFC 6177).
    """
    if client.address is None:
        return "unknown"
    address = ip_address(client.address)
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))


class Attempt:
    """One try to sign in."""

    succeeded = False


def admit(*counters: Counter) -> None:
    """Count one call on each counter; raises TooManyAttempts at the first that is full."""
    if not settings.RATE_LIMITS:
        return
    for position, (item, who) in enumerate(counters):
        if not _hit(item, who):
            _take_back(list(counters[:position]))
            raise TooManyAttempts(_seconds_left(item, who))


def _hit(item: RateLimitItem, who: str) -> bool:
    try:
        return _shared().hit(item, who)
    except RedisError as error:
        logger.warning("throttling within this process only: %s", type(error).__name__)
        return _own().hit(item, who)


def _take_back(counters: list[Counter]) -> None:
    """Uncount; a counter that cannot be reached stays a little too strict."""
    if not settings.RATE_LIMITS:
        return
    for item, who in counters:
        try:
            _shared().hit(item, who, cost=-1)
        except RedisError:
            _own().hit(item, who, cost=-1)


def _seconds_left(item: RateLimitItem, who: str) -> int:
    try:
        reset_time = _shared().get_window_stats(item, who).reset_time
    except RedisError:
        reset_time = _own().get_window_stats(item, who).reset_time
    return max(1, round(reset_time - time.time()))


@cache
def _shared() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(_redis())


@cache
def _own() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(MemoryStorage())


def _redis() -> Storage:
    url = settings.REDIS_URL.replace("unix://", "redis+unix://", 1)
    prefix = f"{settings.CACHES['default']['KEY_PREFIX']}-limits"
    storage = storage_from_string(
        url, key_prefix=prefix, socket_connect_timeout=1, socket_timeout=2
    )
    if not isinstance(storage, Storage):
        raise TypeError("The throttle needs a storage that answers at once.")
    return storage
