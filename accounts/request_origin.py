"""Who is calling: the address and the program, as a session remembers them."""

from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Client:
    """The far end of a request; `address` is None where none is known."""

    address: str | None = None
    agent: str = ""


def client_of(request: HttpRequest) -> Client:
    """Describe the caller, believing X-Forwarded-For only as far as our own proxies wrote it."""
    agent = request.headers.get("User-Agent", "").replace("\0", "")[:200]
    return Client(address=_address(request), agent=agent)


def _address(request: HttpRequest) -> str | None:
    hops = [request.META.get("REMOTE_ADDR", "")]
    if settings.TRUSTED_PROXIES:
        hops = request.headers.get("X-Forwarded-For", "").split(",")[-settings.TRUSTED_PROXIES :]
    try:
        address = ip_address(hops[0].strip())
    except ValueError:
        return None
    # What a socket for both families makes of an IPv4 address (RFC 4291, section 2.5.5.2).
    return str(getattr(address, "ipv4_mapped", None) or address)
