"""Pages that a person sees: the frame that all of them have, and those that say why not."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from images.signed_urls import image_sources

# Pages load only what this site serves, and pictures from their storage: no inline script or style,
# and no frame of another site around them.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def page(request: HttpRequest, template: str, status: int, **context: Any) -> HttpResponse:
    response = render(request, template, context, status=status)
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = _PAGE_POLICY.format(pictures=image_sources())
    return response


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, "images/not_found.html", 404)


def too_many_page(request: HttpRequest, retry_after: int) -> HttpResponse:
    response = page(request, "images/too_many.html", 429, retry_after=retry_after)
    response["Retry-After"] = str(retry_after)
    return response


def not_ready_page(request: HttpRequest) -> HttpResponse:
    return _unavailable_page(request, "images/not_ready.html")


def busy_page(request: HttpRequest) -> HttpResponse:
    return _unavailable_page(request, "images/busy.html")


def _unavailable_page(request: HttpRequest, template: str) -> HttpResponse:
    response = page(request, template, 503)
    response["Retry-After"] = "5"
    return response
