"""Files at their signed URLs: served without a query, to whoever has the URL."""

from delivery.file_responses import Environ, PlainResponse, respond_negotiated
from images.formats.registry import content_type_of
from images.signed_urls import seconds_left


def respond_signed(
    environ: Environ, key: str, expires: str, signature: str, name: str = ""
) -> PlainResponse | None:
    """Respond with the file of a signed URL; return None where it expired or is forged.

    Raise FileNotFoundError.
    """
    left = seconds_left(key, expires, signature, name)
    if not left:
        return None
    content_type = content_type_of(key)
    if content_type is None:
        raise FileNotFoundError(key)
    cache_control = f"private, max-age={left}, immutable"
    return respond_negotiated(environ, key, content_type, cache_control=cache_control, name=name)
