"""Where this service is reached: what absolute addresses begin with."""

from django.conf import settings
from django.http import HttpRequest


def own_url(request: HttpRequest) -> str:
    """Return scheme and host of our own addresses, without a slash at the end.

    PUBLIC_URL where it is set: the Host header is whatever a client or a proxy writes.
    """
    configured: str = settings.OWN_URL
    return configured or f"{request.scheme}://{request.get_host()}"
