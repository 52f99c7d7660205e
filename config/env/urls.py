"""Addresses from the environment; a refusal never quotes one, since it may hold a password."""

from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import (
    env_list,
    env_secret,
    env_str,
    require,
)

_WITHOUT_HOST = frozenset({"sqlite", "unix"})


def part_address(name: str, *schemes: str, default: str = "", optional: bool = False) -> str:
    """Read where a part of the service is; raises ImproperlyConfigured when it can be nowhere."""
    url = env_secret(name, default)
    if not optional:
        require(name, url)
    if url:
        split(name, url, *schemes)
    return url


def site(name: str, default: str, *, optional: bool) -> str:
    """Read scheme and host of a site, without the slash at its end."""
    url = env_str(name, default).rstrip("/")
    if not optional:
        require(name, url)
    if url:
        _require_site(name, url)
    return url


def host_of(url: str) -> str:
    """Return the host as a Host header has it: an IPv6 address in brackets."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def sites(name: str, default: str) -> list[str]:
    """Read a comma-separated list of sites."""
    urls = env_list(name, default)
    for url in urls:
        _require_site(name, url)
    return urls


def _require_site(name: str, url: str) -> None:
    parts = split(name, url, "http", "https")
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ImproperlyConfigured(f"{name} must be scheme and host alone: https://host.")


def split(name: str, url: str, *schemes: str) -> SplitResult:
    """Take an address apart; raises ImproperlyConfigured for another scheme, host or port."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not an address.") from None
    if parts.scheme not in schemes or "://" not in url:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must start with {wanted}.")
    if parts.scheme not in _WITHOUT_HOST and not parts.netloc:
        raise ImproperlyConfigured(f"{name} names no host.")
    _require_port(name, parts)
    return parts


def _require_port(name: str, parts: SplitResult) -> None:
    """A port of None is the scheme's own."""
    try:
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        is_port = False
    if not is_port:
        raise ImproperlyConfigured(f"{name}: the port must be a number from 1 to 65535.")
