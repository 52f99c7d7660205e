"""What keeps a browser careful, on every answer; a view that says more keeps its own words."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from images.signed_urls import image_sources

# What is no page loads nothing.
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Pages that say one thing, such as an error: our style and mark, no script.
_NOTE = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# Django's admin keeps its scripts and styles in files; pictures may come from another storage.
_ADMIN = (
    "default-src 'self'; img-src {pictures}; object-src 'none'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Swagger UI writes a style of its own into its page.
_DOCS = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PAGES = (("/admin/", _ADMIN), ("/api/docs/", _DOCS))
_ALWAYS = {
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeadersMiddleware:
    """Outside Django's own, which says nothing where a request is refused before a view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Know what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add what the answer does not say itself."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _policy(request.path, response))
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        return response


def _policy(path: str, response: HttpResponseBase) -> str:
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return _NOTHING
    policy = next((policy for prefix, policy in _PAGES if path.startswith(prefix)), _NOTE)
    return policy.replace("{pictures}", image_sources()) if policy is _ADMIN else policy
