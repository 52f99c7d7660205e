"""Web origins: scheme, host and port (RFC 6454), compared as browsers compare them."""

from typing import NamedTuple
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


class WebOrigin(NamedTuple):
    """An origin whose port is always there."""

    scheme: str
    host: str
    port: int


def parse_origin(text: str) -> WebOrigin | None:
    """Return the origin that a text names; None for `null` and for whatever is no web origin."""
    try:
        parts = urlsplit(text)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or parts.path or parts.query or parts.username:
        return None
    return WebOrigin(parts.scheme, parts.hostname, port)
