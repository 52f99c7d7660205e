"""Read URLs from the environment. No error quotes a URL, since it may hold a password."""

from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.env.readers import env_list, env_secret, env_str, require

_SCHEMES_WITHOUT_HOST = frozenset({"sqlite", "unix", "consolemail"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def env_url(name: str, *schemes: str, default: str = "", optional: bool = False) -> str:
    """Return the URL of a server that the service depends on, with one of `schemes`."""
    url = env_secret(name, default)
    if not optional:
        require(name, url)
    if url:
        parse_url(name, url, *schemes)
    return url


def env_origin(name: str, default: str, *, optional: bool) -> str:
    """Return the scheme and host of a site, without a slash at the end."""
    url = env_str(name, default).rstrip("/")
    if not optional:
        require(name, url)
    if url:
        _require_origin(name, url)
    return url


def env_origins(name: str, default: str) -> list[str]:
    """Return origins as browsers write them in `Origin`; a port `*` stands for every port."""
    return [_read_origin(name, url.rstrip("/")) for url in env_list(name, default)]


def _read_origin(name: str, url: str) -> str:
    base = url.removesuffix(":*")
    _require_origin(name, base)
    parts = urlsplit(base)
    try:
        host = host_of(base).encode("idna").decode()
    except UnicodeError:
        raise ImproperlyConfigured(f"{name} names a host that cannot be.") from None
    if "*" in host:
        raise ImproperlyConfigured(f"{name}: of an origin, only the port may be *.")
    if base != url:
        return f"{parts.scheme}://{host}:*"
    is_default = parts.port in {None, _DEFAULT_PORTS[parts.scheme]}
    return f"{parts.scheme}://{host}" + ("" if is_default else f":{parts.port}")


def host_of(url: str) -> str:
    """Return the host as a Host header has it: an IPv6 address in brackets."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def parse_url(name: str, url: str, *schemes: str) -> SplitResult:
    """Split a setting's URL; raise ImproperlyConfigured for a bad scheme, host or port."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not an address.") from None
    if parts.scheme not in schemes or "://" not in url:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must start with {wanted}.")
    if parts.scheme not in _SCHEMES_WITHOUT_HOST and not parts.netloc:
        raise ImproperlyConfigured(f"{name} names no host.")
    _require_port(name, parts)
    return parts


def _require_origin(name: str, url: str) -> None:
    parts = parse_url(name, url, "http", "https")
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ImproperlyConfigured(f"{name} must be scheme and host alone: https://host.")


def _require_port(name: str, parts: SplitResult) -> None:
    try:
        # None stands for the scheme's default port; urlsplit raises ValueError only when asked.
        is_valid = parts.port is None or parts.port > 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ImproperlyConfigured(f"{name}: the port must be a number from 1 to 65535.")
