"""Rate limits: of passwords, counted before one is hashed, of uploads and of links.

What somebody else does elsewhere refuses nobody: guesses are counted by the network that they come
from, and a device that signed in before by itself. Where a flood comes from many networks, the
queue of `accounts.hashing_queue` decides who waits.

Counters live in Redis, shared by all processes. While Redis cannot be reached each process counts
for itself and logs a warning, so that a flood of sign-ins never becomes a flood of hashing.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import ip_address, ip_network
from threading import BoundedSemaphore

from django.conf import settings
from limits import RateLimitItemPerMinute

from accounts import shared_limits
from accounts.exceptions import HashingBusy, TooManyAttempts
from accounts.hashing_queue import Trust, hash_as
from accounts.known_devices import known_device
from accounts.local_limits import LocalLimit
from accounts.models import User
from accounts.names import login_key
from accounts.request_origin import RequestOrigin
from accounts.shared_limits import Limit

SIGN_INS_PER_ADDRESS = RateLimitItemPerMinute(30, namespace="sign-in")
FAILURES_PER_ADDRESS = RateLimitItemPerMinute(10, namespace="sign-in-failed")
FAILURES_PER_LOGIN = RateLimitItemPerMinute(5, 5, namespace="sign-in-failed-login")
# Reached, guesses at one account from all networks together are slowed, not refused.
FAILURES_BEFORE_SLOWING = RateLimitItemPerMinute(100, 60, namespace="sign-in-failed-everywhere")
# A network with one failure in this time waits behind those without.
RECENT_FAILURE = RateLimitItemPerMinute(1, 10, namespace="sign-in-failed-network")
SLOWING_SECONDS = 0.25
# The same for the passwords of links: of an address over all links, of a network for one link.
LINK_FAILURES_PER_ADDRESS = RateLimitItemPerMinute(10, namespace="link-password")
LINK_FAILURES_PER_LINK = RateLimitItemPerMinute(5, 5, namespace="link-password-of-link")
LINK_FAILURES_BEFORE_SLOWING = RateLimitItemPerMinute(100, 60, namespace="link-password-all")
RECENT_LINK_FAILURE = RateLimitItemPerMinute(1, 10, namespace="link-password-network")
SIGN_UPS_PER_ADDRESS = RateLimitItemPerMinute(20, namespace="sign-up")
# Requests of links to reset a password: of a client, and for one mailbox, whoever asks.
RESETS_PER_ADDRESS = RateLimitItemPerMinute(10, namespace="reset")
RESETS_PER_MAILBOX = RateLimitItemPerMinute(3, 60, namespace="reset-mailbox")
NEW_PASSWORDS_PER_ADDRESS = RateLimitItemPerMinute(20, namespace="reset-confirm")
DEFAULT_PICTURES_PER_ADDRESS = RateLimitItemPerMinute(20, namespace="default-picture")

_link_openings = LocalLimit("link-openings")


class SignInAttempt:
    succeeded = False


@contextmanager
def throttle_sign_in(login: str, origin: RequestOrigin) -> Iterator[SignInAttempt]:
    """Count the attempt that the block makes as failed, unless the block sets `succeeded`.

    Raise TooManyAttempts, and HashingBusy where the attempt would have to wait too long. The
    failure is counted before the attempt and taken back after it, so that a burst of parallel
    guesses cannot overtake the counter.
    """
    device = known_device(origin.device, login)
    network = network_key(origin)
    everywhere = (FAILURES_BEFORE_SLOWING, login_key(login))
    client = f"device {device}" if device else throttling_key(origin)
    failures: list[Limit] = [
        (FAILURES_PER_ADDRESS, client),
        (FAILURES_PER_LOGIN, f"{client if device else network} {login_key(login)}"),
    ]
    recent = (RECENT_FAILURE, network)
    is_clean, is_calm = _enforce([(SIGN_INS_PER_ADDRESS, client), *failures], [recent, everywhere])
    trust = Trust.KNOWN if device else _trust(is_clean=is_clean)
    with _count_failure(failures, trust, everywhere, recent) as attempt:
        if trust != Trust.KNOWN and not is_calm:
            _slow_down(trust)
        with hash_as(trust):
            yield attempt


@contextmanager
def throttle_link_password(link_id: int, origin: RequestOrigin) -> Iterator[SignInAttempt]:
    """Count a try of a link's password, as `throttle_sign_in` counts one of an account's.

    Raise TooManyAttempts, and HashingBusy also where several are tried at this moment.
    """
    network, everywhere = network_key(origin), (LINK_FAILURES_BEFORE_SLOWING, str(link_id))
    failures: list[Limit] = [
        (LINK_FAILURES_PER_ADDRESS, throttling_key(origin)),
        (LINK_FAILURES_PER_LINK, f"{link_id} {network}"),
    ]
    recent = (RECENT_LINK_FAILURE, network)
    is_clean, is_calm = _enforce(failures, [recent, everywhere])
    trust = _trust(is_clean=is_clean)
    with _count_failure(failures, trust, everywhere, recent) as attempt, _link_seat(trust):
        if not is_calm:
            time.sleep(SLOWING_SECONDS)
        with hash_as(trust):
            yield attempt


@contextmanager
def _count_failure(failures: list[Limit], trust: Trust, *more: Limit) -> Iterator[SignInAttempt]:
    """Count what the block does as failed on `more`; take `failures` back where it succeeds."""
    attempt = SignInAttempt()
    try:
        yield attempt
    except HashingBusy:
        # Nothing was guessed; but whoever failed a moment ago may not try again without end.
        attempt.succeeded = trust != Trust.OTHER
        raise
    except Exception:
        attempt.succeeded = True  # an outage
        raise
    finally:
        if attempt.succeeded:
            _uncount(failures)
        else:
            _count(*more)


def _trust(*, is_clean: bool) -> Trust:
    return Trust.CLEAN if is_clean else Trust.OTHER


# What is slowed keeps its thread, so that few may be at once; guessers take no one else's place.
_slowed = {Trust.CLEAN: BoundedSemaphore(2), Trust.OTHER: BoundedSemaphore(1)}
_MAX_SLOWING_WAIT = {Trust.CLEAN: 1.5, Trust.OTHER: 0.0}


def _slow_down(trust: Trust) -> None:
    if not _slowed[trust].acquire(timeout=_MAX_SLOWING_WAIT[trust]):
        raise HashingBusy
    try:
        time.sleep(SLOWING_SECONDS)
    finally:
        _slowed[trust].release()


# Whoever has a link may have passwords hashed, and what waits keeps its thread: fewer at once than
# a web process has threads (four, as deployed).
_link_seats = {Trust.CLEAN: BoundedSemaphore(2), Trust.OTHER: BoundedSemaphore(1)}


@contextmanager
def _link_seat(trust: Trust) -> Iterator[None]:
    if not _link_seats[trust].acquire(blocking=False):
        raise HashingBusy
    try:
        yield
    finally:
        _link_seats[trust].release()


def network_key(origin: RequestOrigin) -> str:
    """Return the network that a client's guesses are counted by: IPv4 /24, IPv6 /56.

    That much one customer has, or one office.
    """
    return _network_key(origin.client_ip)


@lru_cache(maxsize=4096)
def _network_key(client_ip: str | None) -> str:
    if client_ip is None:
        return "unknown"
    address = ip_address(client_ip)
    length = 24 if address.version == 4 else 56
    return str(ip_network((address, length), strict=False))


def throttle_upload(user: User, origin: RequestOrigin) -> None:
    """Count an upload of an account, and of an address; raise TooManyAttempts.

    Several accounts may share an address, so that twice as many may come from it.
    """
    of_account = settings.UPLOADS_PER_MINUTE
    enforce_limits(
        (RateLimitItemPerMinute(of_account, namespace="upload"), str(user.pk)),
        (
            RateLimitItemPerMinute(2 * of_account, namespace="upload-address"),
            throttling_key(origin),
        ),
    )


def count_link_opening(origin: RequestOrigin) -> int:
    """Count a request for any link by an address, without asking Redis.

    Return 0, or after how many seconds there is room again.
    """
    if not settings.RATE_LIMITS:
        return 0
    limit = settings.LINK_OPENINGS_PER_MINUTE
    return _link_openings.seconds_to_wait(throttling_key(origin), limit)


def throttling_key(origin: RequestOrigin) -> str:
    """Return what a client's calls are counted by: its IPv4 address, or its IPv6 /64 network.

    Whoever has one IPv6 address has all 2⁶⁴ of its network (RFC 6177).
    """
    if origin.client_ip is None:
        return "unknown"
    return _network_of_64(origin.client_ip) if ":" in origin.client_ip else origin.client_ip


@lru_cache(maxsize=4096)
def _network_of_64(client_ip: str) -> str:
    return str(ip_network((client_ip, 64), strict=False))


def enforce_limits(*limits: Limit) -> None:
    """Count one call on each limit; raise TooManyAttempts, counting none, when one is reached."""
    _enforce(limits, ())


def _enforce(limits: Sequence[Limit], look_at: Sequence[Limit]) -> list[bool]:
    """Do so, and return whether one more call would be below each of other limits."""
    if not settings.RATE_LIMITS:
        return [True] * len(look_at)
    exceeded, has_room = shared_limits.hit(limits, look_at)
    if exceeded:
        raise TooManyAttempts(shared_limits.seconds_left(exceeded))
    return has_room


def _count(*limits: Limit) -> None:
    """Count one call on each limit, also where it is reached."""
    if settings.RATE_LIMITS:
        shared_limits.add(1, limits)


def _uncount(limits: list[Limit]) -> None:
    """Take one call back; where Redis cannot be reached, its limit stays a little too strict."""
    if settings.RATE_LIMITS:
        shared_limits.add(-1, limits)
