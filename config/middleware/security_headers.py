"""Security headers on every response; a view may set its own."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from delivery.addresses import is_secret
from images.signed_urls import image_sources

# For what is no page.
NO_PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# For pages that say one thing, such as an error: our style and mark, no script.
_NOTE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# Django's admin keeps its scripts and styles in files; pictures may come from another storage.
_ADMIN_POLICY = (
    "default-src 'self'; img-src {pictures}; object-src 'none'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Swagger UI writes a style of its own into its page.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PAGE_POLICIES = (("/admin/", _ADMIN_POLICY), ("/api/docs/", _DOCS_POLICY))
HEADERS = {
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# On what a link or a signature gives. Search engines read it, since /robots.txt lets them ask.
NOT_INDEXED = "noindex, noarchive"


class SecurityHeadersMiddleware:
    """Stands outside Django's own, which is silent where a request is refused before a view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _policy(request.path, response))
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if is_secret(request.path, request.META.get("QUERY_STRING", "")):
            response.headers["X-Robots-Tag"] = NOT_INDEXED
        return response


def _policy(path: str, response: HttpResponseBase) -> str:
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return NO_PAGE_POLICY
    of_page = (policy for prefix, policy in _PAGE_POLICIES if f"{path}/".startswith(prefix))
    policy = next(of_page, _NOTE_POLICY)
    return policy.replace("{pictures}", image_sources()) if policy is _ADMIN_POLICY else policy
