"""Whether a sign-in comes from a device that an account's log does not know yet."""

from functools import lru_cache
from uuid import UUID

from accounts.known_devices import known_device
from accounts.models import SecurityEvent, User
from accounts.request_origin import RequestOrigin
from accounts.throttling import network_key

# Of an account's newest events, so that every sign-in looks at as few.
_LOOKED_AT = 200
_FROM_A_DEVICE = frozenset({"account.created", "sign-in"})


def is_new_device(user: User, origin: RequestOrigin) -> bool:
    """Return whether neither a cookie nor the log tells of an earlier sign-in from there.

    The same client in the same network counts as the same device, for programs keep no cookies.
    Outside of requests nothing is new. It takes one query, and none where this process has seen the
    client in the log before.
    """
    if origin.client_ip is None and not origin.user_agent:
        return False
    if known_device(origin.device, user.username):
        return False
    try:
        _find_in_log(user.pk, network_key(origin), origin.user_agent)
    except _NotInLog:
        return True
    return False


class _NotInLog(Exception):
    """An answer that is not kept: the sign-in that asks is in the log next."""


@lru_cache(maxsize=10_000)
def _find_in_log(user_id: UUID, network: str, agent: str) -> None:
    newest = SecurityEvent.objects.filter(user_id=user_id).order_by("-pk")
    seen = {
        (network_key(RequestOrigin(address)), agent)
        for kind, address, agent in newest.values_list("kind", "address", "agent")[:_LOOKED_AT]
        if kind in _FROM_A_DEVICE
    }
    if (network, agent) not in seen:
        raise _NotInLog
