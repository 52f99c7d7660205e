"""The public keys of the external issuer, from its JWKS URL (RFC 7517).

A key that the issuer no longer publishes is refused some minutes later. While the issuer cannot be
reached, the keys that it published last stay valid, and it is retried so rarely that requests do
not wait for it.
"""

import logging
from functools import cache
from typing import Any

import jwt
from django.conf import settings

from lib.backoff import CircuitBreaker

logger = logging.getLogger(__name__)
# Seconds until a key that was withdrawn is noticed.
CACHE_LIFETIME = 300.0
# Seconds between two requests to the issuer while it cannot be reached or a key is unknown.
RETRY_INTERVAL = 30.0
# Seconds that a request may wait for the issuer.
_TIMEOUT = 3


def signing_key(key_id: str) -> Any:
    """Return a key that the issuer publishes; raise jwt.PyJWKClientError for any other."""
    return _jwks_client(settings.JWT_JWKS_URL).get_signing_key(key_id).key


@cache
def _jwks_client(url: str) -> "_JwksClient":
    return _JwksClient(
        url, lifespan=CACHE_LIFETIME, cooldown_duration=RETRY_INTERVAL, timeout=_TIMEOUT
    )


class _JwksClient(jwt.PyJWKClient):
    """PyJWT's client, which holds a lock during a request: threads that waited use its result."""

    _last_response: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._breaker = CircuitBreaker(RETRY_INTERVAL)

    def fetch_data(self) -> Any:
        """Fetch the keys; return the last response while the issuer does not answer with JSON."""
        if not self._breaker.is_open:
            try:
                self._last_response = super().fetch_data()
            except (jwt.PyJWKClientConnectionError, ValueError) as error:
                logger.warning(
                    "the external issuer's keys could not be fetched: %s", type(error).__name__
                )
                self._breaker.trip()
        if self._last_response is None:
            raise jwt.PyJWKClientConnectionError("The issuer has not been reached yet.")
        return self._last_response
