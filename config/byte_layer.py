"""Answers what is asked most before Django: signed files, links, and lists that are kept.

A WSGI application around Django's. It says what the views would say, by the same functions, with
the headers that the middleware would add; `tests/config/test_byte_layer.py` sends each case both
ways and compares. Whatever it is not sure of goes on to Django: every refusal, every page, links
that ask first, lists that are made. So nothing is open here that is not open there.
"""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from http.client import responses as reason_phrases
from io import BytesIO
from typing import IO, Any
from urllib.parse import unquote

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.middleware.security import SecurityMiddleware

from accounts.exceptions import TooManyAttempts
from config import kept_lists
from config.kept_lists import KeptLists
from config.middleware.body_limit import HEADER_IN_ENVIRON as TOO_LARGE
from config.middleware.body_limit import NOT_RECEIVED
from config.middleware.cors import response_headers
from config.middleware.long_headers import LIMITS
from config.middleware.metrics import record_request
from config.middleware.request_id import HEADER, request_id_of
from config.middleware.request_log import log_request
from config.middleware.security_headers import HEADERS, NOT_INDEXED
from delivery.access import grants_original
from delivery.file_responses import PlainResponse, read_chunks
from delivery.kept_targets import KeptTargets
from delivery.link_targets import LinkTarget, respond_with_target, target_of
from delivery.link_throttle import throttle_opening
from delivery.signed_files import respond_signed
from images.exceptions import LinkGone, NotReady, NotRenderable
from images.links import LinkToken, open_own_link, read_token
from images.models import Picture
from images.opening_counter import OpeningCounter
from lib.connections import use_connections
from lib.request_id import set_request_id

logger = logging.getLogger(__name__)
Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

# The routes of which some requests are answered here.
ROUTES = ("images/<path:key>", "l/<str:token>", *kept_lists.ROUTES)

# As `images.signed_urls` and `images.links` write them, with a slash more or less; what is written
# in another way is Django's to read.
_FILE_PATH = re.compile(
    r"/images/(users/[0-9a-f-]{36}/[A-Za-z0-9][A-Za-z0-9._-]*)/?", re.ASCII
).fullmatch
_SIGNED_QUERY = re.compile(
    r"expires=([0-9]{1,12})&signature=([\w-]{22})(?:&name=([\w.~%-]+))?", re.ASCII
).fullmatch
_LINK_PATH = re.compile(r"/l/([0-9a-z]{1,13}\.[\w-]{22})/?", re.ASCII).fullmatch
# What Django would let stand; it replaces a malformed value, or has it deleted.
_SESSION_KEY = re.compile("[0-9a-z]{32}").fullmatch
_CSRF_SECRET = re.compile("[0-9A-Za-z]{32}|[0-9A-Za-z]{64}").fullmatch


class ByteLayer:
    """A WSGI application that answers what it can, and hands everything else to another.

    Settings are read once, when it is made.
    """

    def __init__(
        self,
        application: Application,
        *,
        kept: KeptTargets | None = None,
        counter: OpeningCounter | None = None,
    ) -> None:
        self._application = application
        self._passes = Gate()
        self._kept = kept or KeptTargets()
        self._counter = counter or OpeningCounter()
        self._lists = KeptLists(self._passes.is_secure)
        self._transport_security = _transport_security()
        # A browser asks in the same way for every picture of a page.
        self._common_headers = lru_cache(maxsize=64)(_common_headers)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if self._may_be_ours(path) and self._passes(environ):
            started = time.perf_counter()
            request_id = request_id_of(environ)
            set_request_id(request_id)
            try:
                response = self._try_to_respond(environ, path)
                if response:
                    log_request(environ["REQUEST_METHOD"], path, response.status, started)
            finally:
                set_request_id("")
            if response:
                record_request(self._label(path), response.status, started)
                return self._send(response, environ, request_id, start_response)
        return self._application(environ, start_response)

    def _may_be_ours(self, path: str) -> bool:
        return path.startswith(("/images/users/", "/l/")) or path in self._lists

    def _label(self, path: str) -> str:
        return kept_lists.CONTRACT if path in self._lists else path.split("/", 2)[1]

    def _try_to_respond(self, environ: Environ, path: str) -> PlainResponse | None:
        try:
            if path in self._lists:
                return self._lists.respond(environ, path)
            response = self._respond_with_bytes(environ, path)
        except (LinkGone, NotReady, NotRenderable, FileNotFoundError, TooManyAttempts):
            return None
        except Exception:
            # Django meets the same, and has a response for it.
            logger.exception("left to Django")
            return None
        if response:
            response.headers["X-Robots-Tag"] = NOT_INDEXED
        return response

    def _respond_with_bytes(self, environ: Environ, path: str) -> PlainResponse | None:
        if link := _LINK_PATH(path):
            return self._respond_with_link(environ, link[1])
        return _respond_with_file(environ, path)

    def _respond_with_link(self, environ: Environ, text: str) -> PlainResponse | None:
        token = read_token(text)
        if token is None:
            return None
        throttle_opening(environ)
        target = self._find_target(token)
        if target is None or target.expires_at.timestamp() <= time.time():
            return None
        response = respond_with_target(environ, target)
        if environ["REQUEST_METHOD"] == "GET":
            self._counter.add(token.link_id)
        return response

    def _find_target(self, token: LinkToken) -> LinkTarget | None:
        begun, read_at = self._kept.begin(), time.monotonic()
        if kept := self._kept.get(token.link_id):
            return kept
        target = _read_target(token)
        if target:
            self._kept.keep(target, begun=begun, read_at=read_at)
        return target

    def _send(
        self, response: PlainResponse, environ: Environ, request_id: str, start_response: Any
    ) -> Iterable[bytes]:
        origin, has_cookies = environ.get("HTTP_ORIGIN", ""), bool(environ.get("HTTP_COOKIE"))
        common = self._common_headers(origin, has_cookies=has_cookies)
        headers = {**common, **response.headers}
        if "Vary" in common and "Vary" in response.headers:
            headers["Vary"] = f"{response.headers['Vary']}, {common['Vary']}"
        headers[HEADER] = request_id
        if self._transport_security and self._passes.is_secure(environ):
            headers["Strict-Transport-Security"] = self._transport_security
        status = f"{response.status} {reason_phrases[response.status]}"
        start_response(status, list(headers.items()))
        return _Chunks(response.file, response.length) if response.file else [response.body]


def _respond_with_file(environ: Environ, path: str) -> PlainResponse | None:
    file, query = _FILE_PATH(path), _SIGNED_QUERY(environ.get("QUERY_STRING", ""))
    if file is None or query is None:
        return None
    expires, signature, name = query.groups("")
    name = unquote(name) if name else ""
    return respond_signed(environ, file[1], expires, signature, name)


def _read_target(token: LinkToken) -> LinkTarget | None:
    """Return what a link leads to; None where a view has more to do. Raise as `open_link` does."""
    with use_connections:
        link = open_own_link(token)
        if link is None or link.asks_first:
            return None
        owner = link.picture.owner
        # A copy without metadata, or what takes its place, is made when it is first asked for.
        needs_copy = owner.tier.cleans_originals and grants_original(None, owner)
        is_ready = link.picture.clean_copy == Picture.CleanCopy.READY
        return target_of(link) if is_ready or not needs_copy else None


def _common_headers(origin: str, *, has_cookies: bool) -> dict[str, str]:
    """Return the headers of every response to whoever asks in this way."""
    cors = response_headers(origin, has_cookies=has_cookies)
    return {"Content-Length": "0", **HEADERS, **cors}


class Gate:
    """Which requests the middleware would let pass, and do nothing to but add headers."""

    def __init__(self) -> None:
        self._must_be_secure = settings.SECURE_SSL_REDIRECT
        proxy: tuple[str, str] | None = settings.SECURE_PROXY_SSL_HEADER
        self._proxy_header, self._secure_value = proxy or ("", "")
        self._allowed_hosts = settings.ALLOWED_HOSTS
        self._limits = [(name, limit) for name, (limit, _) in LIMITS.items()]
        self._cookies = (
            (settings.SESSION_COOKIE_NAME, _SESSION_KEY),
            (settings.CSRF_COOKIE_NAME, _CSRF_SECRET),
        )
        self._is_our_host = lru_cache(maxsize=64)(self._find_host)

    def __call__(self, environ: Environ) -> bool:
        return (
            environ["REQUEST_METHOD"] in {"GET", "HEAD"}
            and not environ.get("SCRIPT_NAME")
            and environ.get("CONTENT_LENGTH", "") in {"", "0"}
            and "HTTP_TRANSFER_ENCODING" not in environ
            and TOO_LARGE not in environ
            and not environ.get(NOT_RECEIVED)
            and (not self._must_be_secure or self.is_secure(environ))
            and self._is_our_host(environ.get("HTTP_HOST", ""))
            and self._is_within_limits(environ)
            and self._lets_cookies_stand(environ.get("HTTP_COOKIE", ""))
        )

    def is_secure(self, environ: Environ) -> bool:
        """Tell what Django's `request.is_secure()` tells."""
        if self._proxy_header and (value := environ.get(self._proxy_header)) is not None:
            # As a proxy of ours writes it, as a rule.
            if value == self._secure_value:
                return True
            return bool(value.split(",", 1)[0].strip() == self._secure_value)
        return bool(environ.get("wsgi.url_scheme") == "https")

    def _find_host(self, header: str) -> bool:
        domain, _ = split_domain_port(header)
        return bool(domain) and validate_host(domain, self._allowed_hosts)

    def _is_within_limits(self, environ: Environ) -> bool:
        for name, limit in self._limits:
            if name in environ and len(environ[name]) > limit:
                return False
        return True

    def _lets_cookies_stand(self, header: str) -> bool:
        """Tell whether Django would neither replace a cookie of its own nor delete it."""
        if not header:
            return True
        for name, is_well_formed in self._cookies:
            if name in header:
                pairs = [part.partition("=") for part in header.split(";")]
                values = [value.strip() for found, _, value in pairs if found.strip() == name]
                if not all(map(is_well_formed, values)):
                    return False
        return True


def _transport_security() -> str:
    """Return what Django's middleware says of HTTPS to a request that came by it; "" if nothing."""
    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "https", "wsgi.input": BytesIO()}
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        environ[name] = secure
    response = HttpResponse()
    SecurityMiddleware(lambda _: response).process_response(WSGIRequest(environ), response)
    return response.headers.get("Strict-Transport-Security", "")


class _Chunks:
    """The bytes of a file, which is closed at the end, or when the server gives up."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._length = file, length

    def __iter__(self) -> Iterator[bytes]:
        return read_chunks(self._file, self._length)

    def close(self) -> None:
        self._file.close()
