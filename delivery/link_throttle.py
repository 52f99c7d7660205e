"""The throttle of requests for links: each is counted once, whoever of us handles it first."""

from typing import Any

from accounts.exceptions import TooManyAttempts
from accounts.request_authentication import read_client_ip
from accounts.request_origin import RequestOrigin
from accounts.throttling import count_link_opening

# In a request's environ, where no client writes: how long it has to wait.
_SECONDS_TO_WAIT = "tintype.link_seconds_to_wait"


def throttle_opening(environ: dict[str, Any]) -> None:
    """Count a request for a link by its WSGI environ; raise TooManyAttempts."""
    if _SECONDS_TO_WAIT not in environ:
        origin = RequestOrigin(read_client_ip(environ))
        environ[_SECONDS_TO_WAIT] = count_link_opening(origin)
    if seconds := environ[_SECONDS_TO_WAIT]:
        raise TooManyAttempts(seconds)
