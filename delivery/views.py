"""What a browser opens: files under /images/, avatars, expiring links, the gallery."""

import hashlib
import re
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts.models import User
from delivery.access import file_for
from delivery.avatars import DEFAULT_HEIGHT, avatar_key, picture_of_thumbnail
from delivery.decorators import for_viewer
from delivery.responses import serve_negotiated
from images.access import may_see
from images.defaults import default_bytes
from images.exceptions import LinkGone, NotReady, NotRenderable, StrippingFailed
from images.formats.registry import content_type_of
from images.links import count_opening, open_link, read_token
from images.models import Picture
from images.signed_urls import image_sources, seconds_left
from images.storage.keys import folder_of, is_key

# A link may be revoked at any moment: a browser keeps the bytes but asks each time.
_ASK_EACH_TIME = "private, no-cache"
_FOR_EVER = "max-age=31536000, immutable"
# Our pages load only what we serve, and pictures from their storage: no inline script or style, no
# other site's frame around them.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@require_safe
def media(request: HttpRequest, key: str) -> HttpResponseBase:
    """Serve a file: to whoever holds its signed address, else to whoever may see the picture."""
    if "signature" in request.GET:
        return _by_signature(request, key)
    return _by_viewer(request, key=key) if is_key(key) else page_not_found(request)


def _by_signature(request: HttpRequest, key: str) -> HttpResponseBase:
    """No query is made."""
    expires, mark = request.GET.get("expires", ""), request.GET.get("signature", "")
    left = seconds_left(key, expires, mark)
    if not left:
        return page_not_found(request)
    return _file(request, key, f"private, max-age={left}, immutable")


@for_viewer
def _by_viewer(request: HttpRequest, viewer: User | None, *, key: str) -> HttpResponseBase:
    """The key names the picture; what leaves is what the one rule gives this viewer of it."""
    try:
        picture = Picture.objects.by_key(key)
        rendition = file_for(viewer, picture)
        return serve_negotiated(
            request, rendition.key, rendition.content_type, cache_control=_ASK_EACH_TIME
        )
    except (Picture.DoesNotExist, FileNotFoundError, StrippingFailed, NotRenderable):
        return page_not_found(request)
    except NotReady:
        return _not_ready(request)


@require_safe
def default_picture(request: HttpRequest) -> HttpResponseBase:
    """Serve the picture of accounts that chose none."""
    etag = f'"{hashlib.sha256(default_bytes()).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(default_bytes())
    response["Content-Type"] = "image/png"
    response["ETag"], response["Cache-Control"] = etag, "public, max-age=86400"
    return response


@require_safe
@for_viewer
def avatar(request: HttpRequest, viewer: User | None, user_id: UUID) -> HttpResponseBase:
    """Redirect to the picture that stands for an account; browsers ask again each time."""
    key = avatar_key(viewer, user_id, _height(request))
    address = reverse("default-picture")
    if key:
        address = reverse("avatar-thumbnail", args=[user_id, key.rsplit("/", 1)[-1]])
    # No entity tag: a condition applies to what would be a 2xx alone (RFC 9110, 13.2.1).
    response = HttpResponseRedirect(address)
    response["Cache-Control"] = "private, no-cache" if viewer else "no-cache"
    return response


def _height(request: HttpRequest) -> int:
    """What is no number of pixels counts as not asked."""
    text = request.GET.get("height", "")
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else DEFAULT_HEIGHT


@require_safe
def avatar_thumbnail(request: HttpRequest, user_id: UUID, name: str) -> HttpResponseBase:
    """Serve a thumbnail that an avatar's redirect named: its name never names other bytes."""
    key = f"{folder_of(user_id)}{name}"
    picture = picture_of_thumbnail(key) if is_key(key) else None
    if picture is None:
        return page_not_found(request)
    if picture.visibility == Picture.Visibility.PUBLIC:
        return _file(request, key, f"public, {_FOR_EVER}")
    return _thumbnail_by_viewer(request, key=key, picture=picture)


@for_viewer
def _thumbnail_by_viewer(
    request: HttpRequest, viewer: User | None, *, key: str, picture: Picture
) -> HttpResponseBase:
    if not may_see(viewer, picture):
        return page_not_found(request)
    return _file(request, key, f"private, {_FOR_EVER}")


def _file(request: HttpRequest, key: str, cache_control: str) -> HttpResponseBase:
    """Serve a file that this browser may have, or say that it is gone."""
    content_type = content_type_of(key)
    try:
        if content_type is None:
            return page_not_found(request)
        return serve_negotiated(request, key, content_type, cache_control=cache_control)
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
        rendition = file_for(None, found.picture, by_link=True)
        response = serve_negotiated(
            request, rendition.key, rendition.content_type, cache_control=_ASK_EACH_TIME
        )
    except (LinkGone, FileNotFoundError, StrippingFailed, NotRenderable):
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
    response["Content-Security-Policy"] = _PAGE_POLICY.format(pictures=image_sources())
    return response
