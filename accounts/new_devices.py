"""Whether a sign-in comes from a device that an account's log does not know yet."""

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
    Outside of requests nothing is new. It takes one query.
    """
    if origin.client_ip is None and not origin.user_agent:
        return False
    if known_device(origin.device, user.username):
        return False
    newest = SecurityEvent.objects.filter(user_id=user.pk).order_by("-pk")
    seen = {
        (network_key(RequestOrigin(address)), agent)
        for kind, address, agent in newest.values_list("kind", "address", "agent")[:_LOOKED_AT]
        if kind in _FROM_A_DEVICE
    }
    return (network_key(origin), origin.user_agent) not in seen
