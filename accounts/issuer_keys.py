"""The public keys of the external issuer, from its JWKS URL (RFC 7517).

They are fetched in a thread of their own, within a deadline and a size, and no redirect is
followed. A key that the issuer no longer publishes is refused some minutes later. While the issuer
cannot be reached, the keys that it published last stay valid.
"""

import json
import logging
import socket
import ssl
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import jwt
from django.conf import settings

from lib.made_once import made_once

logger = logging.getLogger(__name__)
# Seconds until a key that was withdrawn is noticed; from REFRESH_AGE on nobody waits for that.
CACHE_LIFETIME = 300.0
REFRESH_AGE = 240.0
# Seconds between two requests to the issuer while it cannot be reached.
RETRY_INTERVAL = 30.0
# Seconds between two requests to the issuer on behalf of keys that it did not publish.
UNKNOWN_KEY_INTERVAL = 60.0
# Seconds that a request takes in all, from the connection to the last byte.
DEADLINE = 3.0
MAX_RESPONSE_SIZE = 256 * 1024


def signing_key(key_id: str) -> Any:
    """Return a key that the issuer publishes; raise jwt.PyJWKClientError for any other."""
    return _issuer(settings.JWT_JWKS_URL).key(key_id)


@made_once
def _issuer(url: str) -> "IssuerKeys":
    return IssuerKeys(url)


class IssuerKeys:
    """The keys behind one URL, as far as they are known.

    At most one fetch runs at a time. Whoever needs its result waits for it at most DEADLINE: the
    first requests of all, and those that find the keys past their lifetime. After a failure, and
    for an unknown key, only the request that began the fetch waits: neither an issuer that hangs
    nor strangers' tokens hold up others.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys: dict[str | None, Any] | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._failed = False
        self._done = threading.Event()
        self._done.set()

    def key(self, key_id: str) -> Any:
        """Return a key; raise jwt.PyJWKClientError where the issuer publishes none of that id."""
        age = time.monotonic() - self._fetched_at
        if age >= min(REFRESH_AGE, CACHE_LIFETIME):
            began = self._start(RETRY_INTERVAL if self._failed else 0)
            if age >= CACHE_LIFETIME and (began or not self._failed):
                self._done.wait(DEADLINE)
        is_unknown = self._keys is not None and key_id not in self._keys
        if is_unknown and self._start(UNKNOWN_KEY_INTERVAL):
            self._done.wait(DEADLINE)
        found = (self._keys or {}).get(key_id)
        if found is None:
            raise jwt.PyJWKClientError("The issuer publishes no such key.")
        return found

    def _start(self, interval: float) -> bool:
        """Start a fetch unless one runs or the last began less than `interval` seconds ago."""
        with self._lock:
            if not self._done.is_set() or time.monotonic() - self._tried_at < interval:
                return False
            self._done.clear()
            self._tried_at = time.monotonic()
        threading.Thread(target=self._fetch, name="issuer-keys", daemon=True).start()
        return True

    def _fetch(self) -> None:
        try:
            self._keys = _parse_keys(fetch_within_limits(self._url))
            self._fetched_at, self._failed = time.monotonic(), False
        except (OSError, HTTPException, ValueError, jwt.PyJWTError) as error:
            self._failed = True
            logger.warning(
                "the external issuer's keys could not be fetched: %s", type(error).__name__
            )
        finally:
            self._done.set()


def _parse_keys(body: bytes) -> dict[str | None, Any]:
    """Return the keys for signatures by their id; raise ValueError or jwt.PyJWTError."""
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("Not a set of keys.")
    keys = jwt.PyJWKSet.from_dict(document).keys
    return {
        each.key_id: each.key
        for each in keys
        if each.key_id and each.public_key_use in {"sig", None}
    }


def fetch_within_limits(url: str) -> bytes:
    """Return the body of a 200; raise OSError, HTTPException or ValueError for anything else.

    The timeout of a connection holds for each read alone: a server that sends a byte every second
    would be read for ever. So the connection is shut down at the deadline.
    """
    parts = urlsplit(url)
    opened = _connect(parts.scheme, parts.hostname or "", parts.port)
    timer = threading.Timer(DEADLINE, _shut_down, [opened])
    timer.daemon = True
    timer.start()
    connection = HTTPConnection(parts.netloc.rpartition("@")[2])
    connection.sock = opened
    try:
        if isinstance(opened, ssl.SSLSocket):
            opened.do_handshake()
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request("GET", target, headers={"Accept": "application/json"})
        # The response holds the socket open until it is closed too.
        with connection.getresponse() as response:
            if response.status != 200:
                raise ValueError(f"Answered {response.status}.")
            body = response.read(MAX_RESPONSE_SIZE + 1)
    finally:
        is_late = not timer.is_alive()
        timer.cancel()
        opened.close()
    if is_late:
        raise TimeoutError
    if len(body) > MAX_RESPONSE_SIZE:
        raise ValueError("Too large.")
    return body


def _connect(scheme: str, host: str, port: int | None) -> socket.socket:
    """Return a connected socket; that of TLS has not shaken hands yet."""
    if scheme != "https":
        return socket.create_connection((host, port or 80), DEADLINE)
    plain = socket.create_connection((host, port or 443), DEADLINE)
    context = ssl.create_default_context()
    return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def _shut_down(opened: socket.socket) -> None:
    """Wake up the thread that reads from a socket."""
    with suppress(OSError):
        # Not the method of TLS sockets, which takes their state away from the reader.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
