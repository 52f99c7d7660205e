"""The keys that an outside issuer signs with, from its JWKS address (RFC 7517).

What it no longer publishes is refused some minutes later. While it is away, the keys that it
published last go on working, and requests ask for it so rarely that they do not wait for it.
"""

import logging
import time
from functools import cache
from typing import Any

import jwt
from django.conf import settings

logger = logging.getLogger(__name__)
# Seconds until a key that was withdrawn is noticed; seconds between two questions otherwise.
LIFESPAN = 300.0
ASK_AGAIN = 30.0
# Seconds that a request may wait for the issuer.
_TIMEOUT = 3


def signing_key(key_id: str) -> Any:
    """Return a key that the issuer publishes; raises jwt.PyJWKClientError for any other."""
    return _keys(settings.JWT_JWKS_URL).get_signing_key(key_id).key


@cache
def _keys(url: str) -> "_Keys":
    return _Keys(url, lifespan=LIFESPAN, cooldown_duration=ASK_AGAIN, timeout=_TIMEOUT)


class _Keys(jwt.PyJWKClient):
    """PyJWT's client, which holds a lock while it asks: whoever waited finds what was learnt."""

    _last: Any = None
    _away_until = 0.0

    def fetch_data(self) -> Any:
        """Ask the issuer; return what it said last while it does not answer with JSON."""
        if time.monotonic() >= self._away_until:
            try:
                self._last = super().fetch_data()
            except (jwt.PyJWKClientConnectionError, ValueError) as error:
                logger.warning("the outside issuer's keys: %s", type(error).__name__)
                self._away_until = time.monotonic() + ASK_AGAIN
        if self._last is None:
            raise jwt.PyJWKClientConnectionError("The issuer has not been reached yet.")
        return self._last
