"""Expiring links: the bytes at once, or behind a page whose button opens them.

Nothing here needs an account, a script, or a cookie that was there before. Django's CSRF check is
off: whoever can make a browser press the button knows the address, and could open it alone.
"""

from base64 import b64encode
from math import ceil
from uuid import UUID, uuid4

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.cookies import cookie_values
from accounts.exceptions import HashingBusy, TooManyAttempts
from accounts.passwords import MAX_PASSWORD_LENGTH
from accounts.request_authentication import read_origin
from delivery.access import file_for, size_in_pixels
from delivery.link_targets import respond_with_target, target_of
from delivery.link_throttle import throttle_opening
from delivery.pages import busy_page, not_ready_page, page, page_not_found, too_many_page
from delivery.responses import to_django
from images.exceptions import LinkGone, NotReady, NotRenderable
from images.link_passwords import verify_link_password
from images.link_visits import (
    VISIT_LIFETIME,
    has_opened,
    is_valid_pass,
    spend_opening,
    write_pass,
)
from images.links import LinkToken, count_opening, open_link, read_token, write_token
from images.models import Link
from images.storage.base import picture_storage
from lib.path_converters import parse_uuid
from lib.thumbhash import thumbhash_png

# What was asked for, or spent, is kept nowhere.
_NEVER_KEPT = "private, no-store"


@csrf_exempt
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Open an expiring link."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    try:
        throttle_opening(request.META)
        return _open(request, read_token(token))
    except TooManyAttempts as error:
        return too_many_page(request, error.retry_after)
    except LinkGone:
        return page(request, "images/link_gone.html", 410)
    except (FileNotFoundError, NotRenderable):
        return page(request, "images/not_renderable.html", 410)
    except NotReady:
        return not_ready_page(request)
    except HashingBusy:
        return busy_page(request)


def _open(request: HttpRequest, token: LinkToken | None) -> HttpResponseBase:
    link = open_link(token) if token else None
    if request.method == "POST" and not (link and link.asks_first):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if link is None:
        return page_not_found(request)
    if link.asks_first:
        return _open_behind_page(request, link)
    response = _serve(request, link)
    if request.method == "GET":
        count_opening(link)
    return response


def _serve(request: HttpRequest, link: Link, *, cache_control: str = "") -> HttpResponseBase:
    target = target_of(link)
    return to_django(respond_with_target(request.META, target, cache_control=cache_control))


# --- Links that ask first -----------------------------------------------------------------------


def _open_behind_page(request: HttpRequest, link: Link) -> HttpResponseBase:
    """Serve the bytes to whoever pressed the button a moment ago, and the page to everybody else.

    Programs that preview links, HEAD and ranges get the page, which spends nothing.
    """
    passes = cookie_values(request.headers.get("Cookie", ""), _pass_cookie())
    has_pass = any(is_valid_pass(link, each) for each in passes)
    if request.method == "POST":
        return _to_the_bytes(link) if has_pass else _press(request, link)
    if has_pass:
        return _serve(request, link, cache_control=_NEVER_KEPT)
    if link.is_used_up:
        raise LinkGone
    return _page_of(request, link, visit=uuid4())


def _press(request: HttpRequest, link: Link) -> HttpResponse:
    """Spend an opening and let this browser load the bytes."""
    visit = _visit_of(request)
    # Nobody is asked for the password of what is gone.
    if link.is_used_up and not has_opened(link, visit):
        raise LinkGone
    if link.has_password:
        password = request.POST.get("password", "")[:MAX_PASSWORD_LENGTH]
        if not verify_link_password(link, password, read_origin(request)):
            return _page_of(request, link, visit=visit, status=403)
    # What cannot be served yet, or never, spends nothing.
    file_for(None, link.picture, by_link=True)
    expires_at = spend_opening(link, visit)
    response = _to_the_bytes(link)
    response.set_cookie(
        _pass_cookie(),
        write_pass(link, expires_at),
        max_age=ceil((expires_at - timezone.now()).total_seconds()),
        path=response["Location"],
        httponly=True,
        samesite="Lax",
        secure=settings.TOKEN_COOKIES_SECURE,
    )
    return response


def _to_the_bytes(link: Link) -> HttpResponseRedirect:
    """Return a redirect by which the browser asks with GET, so that a reload sends no form."""
    response = HttpResponseRedirect(reverse("link", args=[write_token(LinkToken(link.pk))]))
    response.status_code = 303
    response["Cache-Control"] = "no-store"
    return response


def _visit_of(request: HttpRequest) -> UUID:
    """Return the visit of the page whose button was pressed; a new one for a form without it."""
    try:
        return parse_uuid(request.POST.get("visit", ""))
    except ValueError:
        return uuid4()


def _pass_cookie() -> str:
    """Return the cookie's name; `__Host-` would forbid the path that keeps it to one link."""
    return "__Secure-link-pass" if settings.TOKEN_COOKIES_SECURE else "link-pass"


def _page_of(request: HttpRequest, link: Link, *, visit: UUID, status: int = 200) -> HttpResponse:
    """Return the page: of a picture behind a password it shows neither preview nor description."""
    picture, file = link.picture, file_for(None, link.picture, by_link=True)
    width, height = size_in_pixels(picture, file)
    shows_picture = not link.has_password
    preview = ""
    if shows_picture and picture.thumbhash:
        preview = "data:image/png;base64," + b64encode(thumbhash_png(picture.thumbhash)).decode()
    return page(
        request,
        "images/link.html",
        status,
        title=(picture.description.strip() if shows_picture else "") or picture.file_name,
        width=width,
        height=height,
        bytes=picture_storage.size(file.key),
        preview=preview,
        asks_password=link.has_password,
        openings_left=None if link.max_opens is None else link.max_opens - link.opened,
        seconds=int(VISIT_LIFETIME.total_seconds()),
        visit=visit,
        is_wrong=status == 403,
    )
