"""Pages of other origins: what they may read, and the preflights that ask before they send."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers

from api.contracts import find_contract
from delivery.addresses import leads_to_bytes
from lib.cors import cors_headers, preflight_headers

# Where no view says which methods it has: files are only read.
_OF_FILES = ("GET", "HEAD")
# At an address without a route, so that a page can read the 404.
_ANY = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class CorsMiddleware:
    """Stands outside of whatever may refuse a request, authentication and redirects included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        has_bytes = leads_to_bytes(path)
        if not has_bytes and find_contract(path) is None:
            return self.get_response(request)
        if _is_preflight(request):
            return _answer_preflight(request)
        response = self.get_response(request)
        if has_bytes:
            response["Cross-Origin-Resource-Policy"] = "cross-origin"
        return _with_headers(response, request)


def _is_preflight(request: HttpRequest) -> bool:
    asks = {"HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD"} <= request.META.keys()
    return request.method == "OPTIONS" and asks


def _answer_preflight(request: HttpRequest) -> HttpResponse:
    headers = preflight_headers(
        request.META["HTTP_ORIGIN"],
        _methods_at(request.path_info),
        trusted=settings.TRUSTED_ORIGINS,
        any_origin=settings.CORS_ANY_ORIGIN,
    )
    return HttpResponse(status=204, headers=headers)


def _methods_at(path: str) -> tuple[str, ...]:
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return _ANY
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return _OF_FILES
    # Django's views answer HEAD by their GET.
    has = {name for name in view_class.http_method_names if hasattr(view_class, name)}
    if "get" in has and "head" in view_class.http_method_names:
        has.add("head")
    return tuple(name for name in _ANY if name.lower() in has)


def response_headers(origin: str, *, has_cookies: bool) -> dict[str, str]:
    """Return what `lib.cors` adds to a response under our settings."""
    return cors_headers(
        origin,
        trusted=settings.TRUSTED_ORIGINS,
        any_origin=settings.CORS_ANY_ORIGIN,
        has_cookies=has_cookies,
    )


def _with_headers(response: HttpResponseBase, request: HttpRequest) -> HttpResponseBase:
    headers = response_headers(
        request.META.get("HTTP_ORIGIN", ""), has_cookies=bool(request.META.get("HTTP_COOKIE"))
    )
    if vary := headers.pop("Vary", ""):
        patch_vary_headers(response, vary.split(", "))
    for name, value in headers.items():
        response[name] = value
    return response
