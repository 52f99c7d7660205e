"""Which headers let a page of another origin read a response (the Fetch standard's CORS protocol).

Pure functions: the caller says which origins are trusted, and sets the headers.
"""

from collections.abc import Collection, Iterable

# Request headers that a page may send beside those that every page may.
ALLOWED_HEADERS = (
    "Authorization", "Content-Type", "Size", "Idempotency-Key", "Content-Digest", "Range",
    "If-None-Match", "If-Match", "If-Unmodified-Since", "If-Range", "X-Request-ID",
)  # fmt: skip
# Response headers that its script may read beside those that every script may.
EXPOSED_HEADERS = (
    "X-Status-Reason", "Link", "Retry-After", "Last-Event-ID", "ETag", "X-Request-ID",
    "Content-Range", "Accept-Ranges", "Content-Disposition", "Allow",
)  # fmt: skip
# For how long a browser may keep the answer to a preflight.
PREFLIGHT_SECONDS = 24 * 3600


def is_trusted_origin(origin: str, trusted: Collection[str]) -> bool:
    """Tell whether an Origin header names a trusted origin; `scheme://host:*` means every port."""
    host, _, port = origin.rpartition(":")
    on_any_port = f"{host if port.isascii() and port.isdigit() else origin}:*"
    return "*" not in origin and (origin in trusted or on_any_port in trusted)


def cors_headers(
    origin: str, *, trusted: Collection[str], any_origin: bool, has_cookies: bool
) -> dict[str, str]:
    """Return the headers of a response; `origin` is the Origin header, "" where there is none.

    Trusted origins may read what they get with a browser's cookies. `any_origin` lets every other
    page read what it gets without: a token in a header is its own. `Vary` names the request headers
    that decided; add it to what the response says there.
    """
    exposed = {"Access-Control-Expose-Headers": ", ".join(EXPOSED_HEADERS)}
    if is_trusted_origin(origin, trusted):
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            **exposed,
            "Vary": "Origin",
        }
    if origin and has_cookies and any_origin:
        # No browser lets a page read "*" after it asked with cookies. Without it here, no cache can
        # give the answer to the same page's next request, which asks without.
        return {"Vary": "Origin, Cookie"}
    allowed = {"Access-Control-Allow-Origin": "*", **exposed} if any_origin else {}
    return allowed | ({"Vary": "Origin"} if trusted else {})


def preflight_headers(
    origin: str, methods: Iterable[str], *, trusted: Collection[str], any_origin: bool
) -> dict[str, str]:
    """Return the headers of the answer to a preflight at an address that has these methods."""
    headers = cors_headers(origin, trusted=trusted, any_origin=any_origin, has_cookies=False)
    headers.pop("Access-Control-Expose-Headers", None)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": ", ".join(ALLOWED_HEADERS),
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
    # Without this header the same request would be answered as an OPTIONS that nobody has.
    vary = [*filter(None, [headers.get("Vary")]), "Access-Control-Request-Method"]
    return headers | {"Vary": ", ".join(vary)}
