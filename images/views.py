"""What a browser opens: files under /images/, expiring links, the gallery."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from images.access import bytes_for
from images.cleaning import CleaningFailed
from images.decoding import CONTENT_TYPES, EXTENSIONS
from images.exceptions import LinkGone, NotReady
from images.links import count_opening, open_link, read_token
from images.media import seconds_left
from images.serving import serve

_TYPE_OF_EXTENSION = {EXTENSIONS[name]: CONTENT_TYPES[name] for name in EXTENSIONS}
# A link may be revoked at any moment: a browser keeps the bytes but asks each time.
_ASK_EACH_TIME = "private, no-cache"
# Our pages load only what we serve: no inline script or style, no other site's frame around them.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def media(request: HttpRequest, key: str) -> HttpResponseBase:
    """Serve a file to whoever holds its signed address; no query is made."""
    expires, mark = request.GET.get("expires", ""), request.GET.get("signature", "")
    left = seconds_left(key, expires, mark)
    content_type = _TYPE_OF_EXTENSION.get(key.rsplit(".", 1)[-1])
    if not left or content_type is None:
        return page_not_found(request)
    try:
        return serve(
            request, key, content_type, cache_control=f"private, max-age={left}, immutable"
        )
    except FileNotFoundError:
        return page_not_found(request)


@require_safe
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Open an expiring link in a bare browser."""
    named = read_token(token)
    if named is None:
        return page_not_found(request)
    try:
        found = open_link(named)
        rendition = bytes_for(None, found.picture, by_link=True)
        response = serve(
            request, rendition.key, rendition.content_type, cache_control=_ASK_EACH_TIME
        )
    except (LinkGone, FileNotFoundError, CleaningFailed):
        return _page(request, "images/link_gone.html", 410)
    except NotReady:
        return _not_ready(request)
    if request.method == "GET":
        count_opening(found)
    return response


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """Show the page where people sign in, upload and look; it is a client of /api/user/."""
    return _page(request, "images/gallery.html", 200)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an address that leads nowhere."""
    return _page(request, "images/not_found.html", 404)


def _not_ready(request: HttpRequest) -> HttpResponse:
    response = _page(request, "images/not_ready.html", 503)
    response["Retry-After"] = "5"
    return response


def _page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    response = render(request, template, status=status)
    response["Cache-Control"] = "no-store"
    response["Content-Security-Policy"] = _PAGE_POLICY
    return response
