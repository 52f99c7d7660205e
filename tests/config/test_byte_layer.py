"""Whatever the layer before Django answers is what Django would have answered."""

import re
import secrets
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.scopes import NONE, SCOPES_BY_ROUTE
from accounts.second_factor import spend_code
from accounts.sessions import (
    hash_api_token,
    open_api_token_session,
    open_bearer_session,
    open_cookie_session,
)
from config import byte_layer
from config.byte_layer import ROUTES, ByteLayer
from delivery.kept_targets import KeptTargets
from images.links import LinkToken, make_link, write_token
from images.models import Link, Picture
from images.opening_counter import OpeningCounter
from images.services import activate, delete_picture
from images.signed_urls import signed_path, signed_picture_url
from tests.api.routes import routes
from tests.factories import make_picture, make_staff, make_user, tier
from tests.pictures import encode, png, waves
from tests.second_factors import give_factor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_connection")]
# By one host, so that `Host` is always there.
HOST = "localhost"
NOW = 1_900_000_000.5
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
Answer = tuple[int, list[tuple[str, str]], bytes]


class Layer:
    """The layer before Django, and what of a request was left to Django."""

    def __init__(self) -> None:
        self.django, self.was_left = WSGIHandler(), False
        self.counter = OpeningCounter(writes_itself=False)
        self.layer = ByteLayer(self._leave, counter=self.counter)

    def _leave(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.was_left = True
        return self.django(environ, start_response)

    def ask(self, path: str, **changes: Any) -> Answer:
        """Return an answer by way of the layer."""
        self.was_left = False
        return ask(self.layer, path, **changes)

    def compare(self, path: str, **changes: Any) -> bool:
        """Require the same answer both ways; return whether the layer gave it."""
        direct = ask(self.django, path, **changes)
        by_layer = self.ask(path, **changes)
        assert by_layer == direct, (path, changes)
        return not self.was_left


def ask(application: Any, path: str, **changes: Any) -> Answer:
    """Return status, headers by their names, and body; the id of each request is its own."""
    environ = {**RequestFactory().get(path, HTTP_HOST=HOST).environ, **changes}
    environ = {name: value for name, value in environ.items() if value is not None}
    sent: list[Any] = []
    body = application(environ, lambda status, headers: sent.extend((status, headers)))
    content = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    headers = {name: value for name, value in sent[1] if name != "Set-Cookie"}
    assert len(headers) == sum(name != "Set-Cookie" for name, _ in sent[1])
    if headers["X-Request-ID"] != changes.get("HTTP_X_REQUEST_ID"):
        assert re.fullmatch("[0-9a-f]{32}", headers.pop("X-Request-ID"))
    cookies = [(name, value.partition("=")[0]) for name, value in sent[1] if name == "Set-Cookie"]
    return int(sent[0].split()[0]), sorted([*headers.items(), *cookies]), content


@pytest.fixture(autouse=True)
def _one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no second pass between two signatures, or two answers that name the time left."""
    monkeypatch.setattr("images.signed_urls.time", SimpleNamespace(time=lambda: NOW))


@pytest.fixture
def layer() -> Layer:
    return Layer()


@pytest.fixture
def picture(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Picture:
    """A picture whose thumbnails are there, with WebP and AVIF beside them."""
    with django_capture_on_commit_callbacks(execute=True):
        return make_picture(alice, encode(waves(900, 600), "JPEG"), name="Ein Hügel.jpg")


def link_to(picture: Picture, *, maker: User | None = None, **options: Any) -> str:
    """Return the path of a link whose clean copy is made."""
    _, token = make_link(maker=maker or picture.owner, picture=picture, seconds=300, **options)
    ask(WSGIHandler(), f"/l/{token}")
    return f"/l/{token}"


def query_in(path: str) -> dict[str, str]:
    path, _, query = path.partition("?")
    return {"PATH_INFO": path, "QUERY_STRING": query}


@pytest.fixture
def good(picture: Picture) -> dict[str, str]:
    """Addresses that the layer answers."""
    thumbnail = picture.thumbnails.latest("height")
    return {
        "original": signed_path(picture.key),
        "named": signed_path(picture.key, "Ein Hügel & mehr.jpg"),
        "thumbnail": signed_path(thumbnail.key),
        "link": link_to(picture),
        "link, kept": link_to(picture, cache_seconds=30),
    }


def etag_of(path: str) -> str:
    """Return the entity tag; behind nginx, which has its own, one that says nothing."""
    return dict(ask(WSGIHandler(), path)[1]).get("ETag", '"nginx"')


# What may differ between two requests for one address; "TAG" stands for the entity tag.
VARIANTS: list[dict[str, Any]] = [
    {},
    {"REQUEST_METHOD": "HEAD"},
    *({"HTTP_RANGE": value} for value in (
        "bytes=1-3", "bytes=-5", "bytes=5-", "bytes=0-", "bytes=99999999-", "bytes=1-3,5-6",
        "bytes=,1-3", "bytes=3-1", "BYTES=1-3", "lines=1-2", "bytes=-0", "",
    )),
    {"HTTP_RANGE": "bytes=1-3", "REQUEST_METHOD": "HEAD"},
    {"HTTP_RANGE": "bytes=1-3", "HTTP_IF_RANGE": "TAG"},
    {"HTTP_RANGE": "bytes=1-3", "HTTP_IF_RANGE": '"another"'},
    *({"HTTP_IF_NONE_MATCH": value} for value in ("TAG", "W/TAG", "*", '"another", TAG', '"x"')),
    {"HTTP_IF_NONE_MATCH": "TAG", "REQUEST_METHOD": "HEAD"},
    {"HTTP_IF_NONE_MATCH": "TAG", "HTTP_ORIGIN": "https://a.example", "HTTP_COOKIE": "a=b"},
    *({"HTTP_IF_MATCH": value} for value in ("TAG", "*", '"another"')),
    {"HTTP_IF_MODIFIED_SINCE": "Wed, 21 Oct 2015 07:28:00 GMT"},
    {"HTTP_IF_UNMODIFIED_SINCE": "Wed, 21 Oct 2015 07:28:00 GMT"},
    *({"HTTP_ACCEPT": value} for value in (
        CHROME, "*/*", "image/webp", "image/avif", "image/webp;q=0", "image/avif;q=0.5,image/webp",
        "image/jpeg, image/webp;q=0.9", "",
    )),
    {"HTTP_ACCEPT": CHROME, "REQUEST_METHOD": "HEAD"},
    *({"HTTP_ORIGIN": origin, **cookie}
      for origin in ("https://trusted.example", "https://other.example", "null", "nonsense")
      for cookie in ({}, {"HTTP_COOKIE": "a=b"})),
    {"HTTP_COOKIE": "a=b", "HTTP_ACCEPT": CHROME},
    {"HTTP_COOKIE": f"sessionid={'a' * 32}; csrftoken={'B' * 32}"},
    {"HTTP_ACCEPT_LANGUAGE": "es", "HTTP_COOKIE": "django_language=es"},
    {"wsgi.url_scheme": "https"},
    {"HTTP_AUTHORIZATION": "Bearer nonsense"},
    {"CONTENT_TYPE": "text/plain; charset=latin-1"},
    {"CONTENT_LENGTH": "0"},
    {"HTTP_X_REQUEST_ID": "a-request-of-a-proxy"},
    {"HTTP_X_REQUEST_ID": "no id\n"},
]  # fmt: skip
# What a request may have that is left to Django, whatever it asks for.
LEFT: list[dict[str, Any]] = [
    *({"REQUEST_METHOD": method} for method in ("POST", "PUT", "DELETE", "OPTIONS", "get")),
    {"REQUEST_METHOD": "OPTIONS", "HTTP_ORIGIN": "https://a.example",
     "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"},
    {"HTTP_HOST": "elsewhere.example"},
    {"HTTP_HOST": None},
    {"CONTENT_LENGTH": "5"},
    {"HTTP_TRANSFER_ENCODING": "chunked"},
    {"HTTP_BODY_TOO_LARGE": "yes"},
    {"SCRIPT_NAME": "/below"},
    {"HTTP_ACCEPT": "image/webp," * 200},
    {"HTTP_COOKIE": "a=b;" * 5000},
    {"HTTP_IF_NONE_MATCH": '"x",' * 2000},
    {"HTTP_COOKIE": "sessionid=short"},
    {"HTTP_COOKIE": "csrftoken=nonsense"},
    {"HTTP_COOKIE": f'a=b; csrftoken="{"B" * 32}"'},
]  # fmt: skip


def written_with(variant: dict[str, Any], etag: str) -> dict[str, Any]:
    return {
        name: value.replace("TAG", etag) if isinstance(value, str) else value
        for name, value in variant.items()
    }


@pytest.mark.unhurried
@pytest.mark.parametrize("prefix", ["", "/protected/"])
def test_whatever_is_asked_of_a_good_address_is_answered_as_by_django(
    good: dict[str, str], settings: Settings, prefix: str
) -> None:
    settings.ACCEL_REDIRECT_PREFIX = prefix
    settings.TRUSTED_PROXIES = 1
    layer = Layer()
    for path in good.values():
        etag = etag_of(path)
        for variant in VARIANTS:
            assert layer.compare(path, **written_with(variant, etag)), (path, variant)
        for variant in LEFT:
            assert not layer.compare(path, **variant), (path, variant)


@pytest.mark.storages
def test_each_good_address_is_answered_as_by_django_on_every_storage(
    good: dict[str, str], layer: Layer, settings: Settings, stored_on: str
) -> None:
    """nginx reads no file of a bucket, so that the service sends it."""
    settings.ACCEL_REDIRECT_PREFIX = "/protected/"
    for path in good.values():
        for variant in ({}, {"REQUEST_METHOD": "HEAD"}, {"HTTP_RANGE": "bytes=1-3"}):
            assert layer.compare(path, **variant)
        headers = dict(layer.ask(path)[1])
        assert ("X-Accel-Redirect" in headers) == (stored_on == "disk")


@pytest.mark.unhurried
@pytest.mark.parametrize(
    "changed",
    [
        {"CORS_ANY_ORIGIN": False},
        {"TRUSTED_ORIGINS": []},
        {"SECURE_SSL_REDIRECT": True, "SECURE_HSTS_PRELOAD": True, "SECURE_HSTS_SECONDS": 60,
         "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")},
        {"SECURE_HSTS_SECONDS": 60, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True},
        {"ALLOWED_HOSTS": [".localhost"]},
        {"SESSION_COOKIE_NAME": "__Host-sessionid", "CSRF_COOKIE_NAME": "__Host-csrftoken"},
    ],
)  # fmt: skip
def test_it_keeps_to_the_settings(
    good: dict[str, str], settings: Settings, changed: dict[str, Any]
) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    layer = Layer()
    was_answered = [
        layer.compare(good["thumbnail"], **variant)
        for variant in (
            {},
            {"HTTP_ORIGIN": "https://trusted.example"},
            {"HTTP_ORIGIN": "https://other.example", "HTTP_COOKIE": "a=b"},
            {"HTTP_X_FORWARDED_PROTO": "https"},
            {"HTTP_X_FORWARDED_PROTO": "https, http"},
            {"HTTP_X_FORWARDED_PROTO": "http"},
            {"wsgi.url_scheme": "https"},
            {"HTTP_HOST": "a.localhost"},
            {"HTTP_COOKIE": "__Host-sessionid=short"},
        )
    ]
    assert any(was_answered)


@pytest.fixture
def left(alice: User, picture: Picture) -> dict[str, str]:
    """Addresses that are left to Django, by what they are."""
    signed, thumbnail = signed_path(picture.key), picture.thumbnails.latest("height")
    link, staff = link_to(picture), make_staff("views", "images.view_picture", "images.add_link")
    revoked, expired, deleted = (Link.objects.get(pk=make_link(
        maker=alice, picture=each, seconds=300)[0].pk) for each in
        (picture, picture, make_picture(alice)))  # fmt: skip
    Link.objects.filter(pk=revoked.pk).revoke()
    Link.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    delete_picture(deleted.picture)
    unrendered = make_picture(alice, png(30, 20))
    activate(picture)
    later, link_id = int(NOW) + 600, int(link[3:].partition(".")[0], 36)
    return {
        "forged": signed[:-1] + ("A" if signed[-1] != "A" else "B"),
        "of another file": signed.replace(picture.key, thumbnail.key),
        "without a signature": signed.partition("?")[0],
        "expired": re.sub(r"expires=\d+", f"expires={int(NOW) - 1}", signed),
        "prolonged": re.sub(r"expires=\d+", f"expires={later}", signed),
        "renamed": f"{signed}&name=another.jpg",
        "in another order": re.sub(r"\?(.*)&(signature=.*)", r"?\2&\1", signed),
        "twice": f"{signed}&expires=1",
        "fragment of a query": signed.replace("&signature", ";signature"),
        "upwards": signed.replace("/users/", "/users/../users/"),
        "two slashes": signed.replace("/users/", "//users/"),
        "in capitals": signed.replace("/images/", "/Images/"),
        "of the picture": signed_picture_url(picture.key, ""),
        "of no type": signed_path(f"users/{alice.pk}/file.exe"),
        "of no file": signed_path(f"users/{alice.pk}/file.jpg"),
        "below": signed.replace("?", "/more?"),
        "NUL": signed.replace("?", "%00?"),
        "default": "/images/default/default.png",
        "avatar": f"/avatars/{alice.pk}",
        "avatar's file": f"/avatars/{alice.pk}/{thumbnail.key.rpartition('/')[2]}",
        "forged link": link[:-1] + ("A" if link[-1] != "A" else "B"),
        "link with more": f"{link}.more",
        "link below": f"{link}/more",
        "link in capitals": link.replace("/l/", "/L/"),
        "no link": "/l/",
        "nonsense": "/l/nonsense",
        "not ASCII": f"/l/{quote('é')}{link[3:]}",
        "revoked": f"/l/{write_token(LinkToken(revoked.pk))}",
        "expired link": f"/l/{write_token(LinkToken(expired.pk))}",
        "deleted": f"/l/{write_token(LinkToken(deleted.pk))}",
        "of no row": f"/l/{write_token(LinkToken(2**40))}",
        "of the former form": f"/l/{write_token(LinkToken(link_id, later))}",
        "of staff": link_to(picture, maker=staff),
        "password": link_to(picture, password="the name of our boat"),
        "max_opens": link_to(picture, max_opens=2),
        "not stripped yet": f"/l/{make_link(maker=alice, picture=unrendered, seconds=300)[1]}",
    }  # fmt: skip


# What is new in each answer: the id of a visit, and of a request.
_NEW_EACH_TIME = re.compile(rb'name="visit" value="[^"]*"|csrfmiddlewaretoken" value="[^"]*"')


@pytest.mark.unhurried
def test_every_other_address_is_left_to_django(left: dict[str, str], layer: Layer) -> None:
    statuses = {}
    for name, path in left.items():
        status, headers, body = layer.ask(path)
        assert layer.was_left, name
        direct = ask(layer.django, path)
        assert (status, headers) == direct[:2], name
        assert _NEW_EACH_TIME.sub(b"", body) == _NEW_EACH_TIME.sub(b"", direct[2]), name
        statuses[name] = status
    assert {name for name, status in statuses.items() if status == 410} == {
        "revoked", "expired link", "deleted", "of no row",
    }  # fmt: skip
    assert statuses["in another order"] == 200


def test_only_few_routes_are_answered_before_django() -> None:
    """The walk of `tests/api/test_access.py` goes over every route; these are among them."""
    assert set(ROUTES) <= set(routes())
    assert {name for name in ROUTES if SCOPES_BY_ROUTE[name]["GET"] != NONE} == {
        "images/<path:key>", "api/user/images/", "api/user/thumbnails/",
    }  # fmt: skip
    assert byte_layer._FILE_PATH("/images/users/x/y") is None
    for route in routes():
        path = "/" + re.sub("<[^>]*>", "00000000-0000-4000-8000-000000000000", route)
        is_ours = byte_layer._FILE_PATH(path) or byte_layer._LINK_PATH(path)
        assert not is_ours, route


@pytest.mark.parametrize("end", ["revoked", "expired", "deleted", "tier", "closed", "original"])
def test_a_link_is_over_in_the_layer_as_in_the_view(
    layer: Layer, alice: User, picture: Picture, end: str
) -> None:
    """Where nobody listens, nothing is kept: the row decides each time."""
    path = link_to(picture)
    assert layer.compare(path)
    link = Link.objects.get()
    if end == "revoked":
        Link.objects.all().revoke()
    elif end == "expired":
        Link.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "deleted":
        delete_picture(link.picture)
    elif end == "closed":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    else:
        alice.tier = tier("Basic" if end == "tier" else "Premium")
        alice.save()
    assert layer.ask(path)[0] == 410
    assert layer.was_left


def test_a_signed_file_takes_no_query_and_a_link_one(
    layer: Layer, good: dict[str, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        layer.ask(good["thumbnail"])
    with django_assert_num_queries(1):
        assert layer.ask(good["link"])[0] == 200


def test_openings_are_counted_and_written_together(
    layer: Layer, good: dict[str, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # The first opening of each is counted by itself.
    before = 1
    Link.objects.update(opened=before, last_opened_at=None)
    for _ in range(3):
        layer.ask(good["link"])
    layer.ask(good["link"], REQUEST_METHOD="HEAD")
    layer.ask(good["link"], HTTP_IF_NONE_MATCH=etag_of(good["link"]))
    layer.ask(good["link, kept"])
    already = 1  # by `etag_of`, which asks Django
    # Five for each number of openings, however many links were opened so often.
    with django_assert_num_queries(10):
        layer.counter.write()
    with django_assert_num_queries(0):
        layer.counter.write()
    opened = dict(Link.objects.order_by("pk").values_list("cache_seconds", "opened"))
    assert opened == {0: before + 4 + already, 30: before + 1}
    assert not Link.objects.filter(last_opened_at=None).exists()


def test_each_request_for_a_link_is_throttled_once(
    picture: Picture, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, settings.LINK_OPENINGS_PER_MINUTE = link_to(picture), 4
    paged = link_to(picture, max_opens=9)
    now = time.time()
    # Within one minute of the counters, and of an address that nobody has used in it.
    monkeypatch.setattr(time, "time", lambda: now)
    address_of_one = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
    layer, client = Layer(), {"REMOTE_ADDR": address_of_one}
    asked = [address, paged, address, paged, address, paged]
    assert [layer.ask(path, **client)[0] for path in asked] == [200] * 4 + [429] * 2


class Announcements:
    """A listener that hears what the test says."""

    def __init__(self) -> None:
        self.heard: set[str] | None = set()

    def poll(self) -> set[str] | None:
        heard, self.heard = self.heard, None if self.heard is None else set()
        return heard


def test_what_was_heard_while_a_row_was_read_is_not_kept(
    picture: Picture, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The row may have been read before the change that was heard of meanwhile."""
    from delivery.link_targets import target_of

    link, _ = make_link(maker=picture.owner, picture=picture, seconds=300)
    announcements = Announcements()
    kept, target = KeptTargets(announcements), target_of(link)  # type: ignore[arg-type]  # a listener
    begun = kept.begin()
    kept.keep(target, begun=begun, read_at=0.0)
    assert kept.get(link.pk) is None  # it was read more than a second ago
    kept.keep(target, begun=begun, read_at=float("inf"))
    assert kept.get(link.pk) == target
    announcements.heard = {str(picture.owner_id)}
    changed = kept.begin()
    assert kept.get(link.pk) is None
    kept.keep(target, begun=begun, read_at=float("inf"))
    assert kept.get(link.pk) is None
    kept.keep(target, begun=changed, read_at=float("inf"))
    announcements.heard = {"another account"}
    kept.begin()
    assert kept.get(link.pk) == target
    for heard in ({""}, None):
        kept.keep(target, begun=kept.begin(), read_at=float("inf"))
        announcements.heard = heard
        begun = kept.begin()
        assert kept.get(link.pk) is None
    kept.keep(target, begun=begun, read_at=float("inf"))
    assert kept.get(link.pk) is None  # nobody listens


LISTS = [
    "/api/user/images/",
    "/api/user/images",
    "/api/user/images/?limit=1",
    "/api/user/images/?fields=all&q=%C3%BC&order=created_at",
    "/api/user/thumbnails/",
    "/api/user/thumbnails?image_id=1",
]


@pytest.fixture
def bearer(alice: User) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {open_bearer_session(alice, RequestOrigin())}"}


@pytest.mark.unhurried
def test_a_kept_list_is_answered_as_by_django(
    layer: Layer, picture: Picture, bearer: dict[str, str], alice: User
) -> None:
    make_picture(alice)
    for path in LISTS:
        etag = dict(layer.ask(path, **bearer)[1])["ETag"]
        assert layer.was_left, path  # it is made
        for variant in VARIANTS:
            changes = bearer | written_with(variant, etag)
            was_answered = layer.compare(path, **changes)
            is_refused = ask(layer.django, path, **changes)[0] in {401, 412}
            has_language = "django_language" in changes.get("HTTP_COOKIE", "")
            assert was_answered != (is_refused or has_language), (path, variant)
        for variant in LEFT:
            assert not layer.compare(path, **bearer, **variant), (path, variant)


@pytest.mark.s3
@pytest.mark.usefixtures("bucket")
def test_a_list_with_addresses_of_a_storage_is_kept_for_each_format(
    layer: Layer, picture: Picture, bearer: dict[str, str]
) -> None:
    for accept, kind in ((CHROME, b".avif?"), ("image/webp", b".webp?"), ("*/*", b".jpg?")):
        changes = bearer | {"HTTP_ACCEPT": accept}
        made = layer.ask("/api/user/thumbnails/", **changes)
        assert layer.was_left
        assert made[2].count(kind) == 2
        assert layer.compare("/api/user/thumbnails/", **changes)
        etag = dict(made[1])["ETag"]
        assert layer.compare("/api/user/thumbnails/", HTTP_IF_NONE_MATCH=etag, **changes)


def test_every_kind_of_token_gets_a_kept_list_and_nobody_else(
    layer: Layer, picture: Picture, bearer: dict[str, str], alice: User, bob: User
) -> None:
    path, cookies = LISTS[0], open_cookie_session(alice, RequestOrigin())
    limited = open_api_token_session(alice, RequestOrigin())
    Session.objects.filter(key_hash=hash_api_token(limited)).update(scopes=["upload"])
    of_bob = open_bearer_session(bob, RequestOrigin())
    layer.ask(path, **bearer)
    good = [
        {"HTTP_AUTHORIZATION": bearer["HTTP_AUTHORIZATION"].removeprefix("Bearer ")},
        {"HTTP_AUTHORIZATION": f"Token {open_api_token_session(alice, RequestOrigin())}"},
        {"HTTP_AUTHORIZATION": f"Basic YTpi, {bearer['HTTP_AUTHORIZATION']}"},
        {"HTTP_COOKIE": f"access_token={cookies.access}; refresh_token={cookies.refresh}"},
        {"HTTP_COOKIE": f"access_token={cookies.access}", "HTTP_AUTHORIZATION": "Basic YTpi"},
    ]
    for each in good:
        assert layer.compare(path, **each), each
    bad = [
        {},
        {"HTTP_AUTHORIZATION": "Bearer "},
        {"HTTP_AUTHORIZATION": f"Token {limited}"},
        {"HTTP_AUTHORIZATION": bearer["HTTP_AUTHORIZATION"] + "x"},
        {"HTTP_COOKIE": "access_token=nonsense"},
        {"HTTP_COOKIE": f"access_token={cookies.access}", "HTTP_AUTHORIZATION": "Bearer nonsense"},
    ]
    for each in bad:
        assert not layer.compare(path, **each), each
        assert layer.ask(path, **each)[0] in {401, 403}
    status, _, body = layer.ask(path, HTTP_AUTHORIZATION=f"Bearer {of_bob}")
    assert (status, body) == (200, b"[]")
    assert layer.was_left


@pytest.mark.unhurried
@pytest.mark.parametrize("end", ["session", "account", "tier", "picture", "expiry", "setting"])
def test_a_kept_list_is_over_at_once(
    layer: Layer,
    picture: Picture,
    bearer: dict[str, str],
    alice: User,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    end: str,
) -> None:
    path, sessions = LISTS[0], Session.objects.of(alice)
    _, _, before = layer.ask(path, **bearer)
    assert layer.compare(path, **bearer)
    with django_capture_on_commit_callbacks(execute=True):
        if end == "session":
            sessions.end()
        elif end == "account":
            User.objects.filter(pk=alice.pk).update(is_active=False)
        elif end == "expiry":
            sessions.update(expires_at=timezone.now())
        elif end == "tier":
            User.objects.filter(pk=alice.pk).update(tier=tier("Basic"))
        elif end == "picture":
            delete_picture(picture)
        else:
            settings.CACHE_SECONDS = 0
    status, _, after = layer.ask(path, **bearer)
    assert layer.was_left
    assert status == (200 if end in {"tier", "picture", "setting"} else 401)
    assert (after == before) == (end == "setting")


def test_a_list_that_is_kept_for_a_session_with_rights_is_not_given_to_one_without(
    layer: Layer, settings: Settings
) -> None:
    """The tier gives no originals; superusers get theirs, where the second factor was given."""
    settings.STAFF_SECOND_FACTOR = "required"
    root = make_user("root", "Basic", is_staff=True, is_superuser=True)
    make_picture(root)
    factor = spend_code(root, give_factor(root)[0])
    with_code = open_cookie_session(root, RequestOrigin(), factor).access
    without = open_bearer_session(root, RequestOrigin())
    for token in (with_code, without, with_code, without, without):
        _, _, body = layer.ask(LISTS[0], HTTP_AUTHORIZATION=f"Bearer {token}")
        assert (b"://" in body) is (token == with_code)


def test_a_kept_list_takes_one_query(
    layer: Layer,
    picture: Picture,
    bearer: dict[str, str],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(2):
        layer.ask(LISTS[0], **bearer)
    with django_assert_num_queries(1):
        layer.ask(LISTS[0], **bearer)
    assert not layer.was_left
