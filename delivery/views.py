"""What a browser opens: files under /images/, avatars, the gallery."""

import re
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import get_conditional_response

from accounts.cookies import access_cookie, refresh_cookie
from accounts.models import User
from accounts.staff_rights import is_factor_required
from delivery.access import file_for
from delivery.avatars import DEFAULT_HEIGHT, avatar_key, picture_of_thumbnail
from delivery.decorators import for_viewer
from delivery.pages import not_ready_page, page, page_not_found
from delivery.responses import serve_negotiated, to_django
from delivery.signed_files import respond_signed
from images import default_picture as default_file
from images.access import may_see
from images.exceptions import NotReady, NotRenderable
from images.formats.registry import FORMATS, content_type_of
from images.models import Picture
from images.signed_urls import is_valid_for_picture
from images.storage.keys import folder_of, is_key
from lib.read_only import read_only

# Visibility may change at any moment: a browser may store the bytes but revalidates each time.
_REVALIDATE = "private, no-cache"
_IMMUTABLE = "max-age=31536000, immutable"
# What static/js/gallery.js imports, directly or not: a browser fetches them at once.
_MODULES_OF_FIRST_SCREEN = [
    f"js/{name}.js"
    for name in (
        "api", "connection", "deletions", "dom", "feed", "file-inputs", "grid", "grid-groups",
        "grid-input", "i18n", "layout", "pages", "picture-list", "refresher", "router",
        "search-form", "selection", "session", "sign-in-form", "store", "thumbhash", "tile",
        "uploads",
    )
]  # fmt: skip


@read_only
def media(request: HttpRequest, key: str) -> HttpResponseBase:
    """Serve a file to whoever has its signed URL, or may see its picture."""
    if "signature" in request.GET:
        return _serve_signed(request, key)
    return _serve_picture_to_viewer(request, key=key) if is_key(key) else page_not_found(request)


def _serve_signed(request: HttpRequest, key: str) -> HttpResponseBase:
    """Serve a file without a database query, or what anyone may have of a picture."""
    expires, signature = request.GET.get("expires", ""), request.GET.get("signature", "")
    name = request.GET.get("name", "")
    try:
        if found := respond_signed(request.META, key, expires, signature, name):
            return to_django(found)
    except FileNotFoundError:
        return page_not_found(request)
    if is_valid_for_picture(key, expires, signature):
        return _serve_picture(request, None, key, by_link=True)
    return page_not_found(request)


@for_viewer
def _serve_picture_to_viewer(
    request: HttpRequest, viewer: User | None, *, key: str
) -> HttpResponseBase:
    return _serve_picture(request, viewer, key)


def _serve_picture(
    request: HttpRequest, viewer: User | None, key: str, *, by_link: bool = False
) -> HttpResponseBase:
    """Serve what the viewer may have of the picture whose original has this key."""
    try:
        picture = Picture.objects.by_key(key)
        file = file_for(viewer, picture, by_link=by_link)
        return serve_negotiated(
            request, file.key, file.content_type, cache_control=_REVALIDATE, name=file.name
        )
    except (Picture.DoesNotExist, FileNotFoundError, NotRenderable):
        return page_not_found(request)
    except NotReady:
        return not_ready_page(request)


@read_only
def default_picture(request: HttpRequest) -> HttpResponseBase:
    """Serve the avatar of accounts without an active picture."""
    default = default_file.default_picture()
    etag = f'"{default.sha256[:32]}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(default.content)
    response["Content-Type"] = default.facts.content_type
    response["ETag"], response["Cache-Control"] = etag, "public, max-age=86400"
    return response


@read_only
@for_viewer
def avatar(request: HttpRequest, viewer: User | None, user_id: UUID) -> HttpResponseBase:
    """Redirect to an account's avatar; browsers revalidate the redirect each time."""
    key = avatar_key(viewer, user_id, _height(request))
    address = reverse("default-picture")
    if key:
        address = reverse("avatar-thumbnail", args=[user_id, key.rsplit("/", 1)[-1]])
    # No entity tag: a condition applies to what would be a 2xx alone (RFC 9110, 13.2.1).
    response = HttpResponseRedirect(address)
    response["Cache-Control"] = "private, no-cache" if viewer else "no-cache"
    return response


def _height(request: HttpRequest) -> int:
    """Return the requested height in pixels; the default if it is missing or malformed."""
    text = request.GET.get("height", "")
    return int(text) if re.fullmatch("[0-9]{1,5}", text) else DEFAULT_HEIGHT


@read_only
def avatar_thumbnail(request: HttpRequest, user_id: UUID, name: str) -> HttpResponseBase:
    """Serve a thumbnail that an avatar redirects to; the content behind a name never changes."""
    key = f"{folder_of(user_id)}{name}"
    picture = picture_of_thumbnail(key) if is_key(key) else None
    if picture is None:
        return page_not_found(request)
    if picture.visibility == Picture.Visibility.PUBLIC:
        return _serve_file(request, key, f"public, {_IMMUTABLE}")
    return _serve_thumbnail_to_viewer(request, key=key, picture=picture)


@for_viewer
def _serve_thumbnail_to_viewer(
    request: HttpRequest, viewer: User | None, *, key: str, picture: Picture
) -> HttpResponseBase:
    if not may_see(viewer, picture):
        return page_not_found(request)
    return _serve_file(request, key, f"private, {_IMMUTABLE}")


def _serve_file(request: HttpRequest, key: str, cache_control: str) -> HttpResponseBase:
    """Serve a file that the browser may have, or a 404 page."""
    content_type = content_type_of(key)
    try:
        if content_type is None:
            return page_not_found(request)
        return serve_negotiated(request, key, content_type, cache_control=cache_control)
    except FileNotFoundError:
        return page_not_found(request)


@read_only
def gallery(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Show the page to sign in, upload and browse; it is a client of /api/user/.

    Its script reads the address, and asks for the picture that it names.
    """
    return page(
        request,
        "images/gallery.html",
        200,
        formats=list(FORMATS),
        modules=_MODULES_OF_FIRST_SCREEN,
        second_factor=is_factor_required(),
        # Its script then asks for nothing that a session is needed for.
        is_visitor={access_cookie(), refresh_cookie()}.isdisjoint(request.COOKIES),
    )
