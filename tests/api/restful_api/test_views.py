"""The image RESTful API against its contract: exact JSON, exact codes."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.exceptions import ValidationError

from accounts.models import Session, User
from accounts.services import disable, move_to_tier
from images.models import Picture
from lib.redis_client import redis_client
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_picture, make_user, tier, token_client
from tests.pictures import jpeg, png
from tests.storages import StoredKeys
from tests.thumbnails.rows import keys
from thumbnails.models import Thumbnail

pytestmark = pytest.mark.django_db

IMAGES, THUMBNAILS = "/api/user/images/", "/api/user/thumbnails/"
SECRET = {"username": "alice", "password": PASSWORD}


def upload(client: Client, content: bytes | None = None, name: str = "cat.png") -> Response:
    file = SimpleUploadedFile(name, png(30, 20) if content is None else content)
    return client.post(IMAGES, {"image": file})


@pytest.fixture
def rendered(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[..., Picture]:
    """Return a function that uploads a picture and lets the work behind it happen."""

    def make(owner: User, content: bytes | None = None) -> Picture:
        with django_capture_on_commit_callbacks(execute=True):
            return make_picture(owner, content or jpeg(900, 600))

    return make


# --- Signing in and out -------------------------------------------------------------------------


def test_token_returns_a_token_that_opens_every_route(alice: User) -> None:
    response = Client().post("/api/user/token/", SECRET, content_type="application/json")
    assert response.status_code == 200
    assert response.json().keys() == {"token"}
    headers = {"Authorization": f"Token {response.json()['token']}"}
    assert Client(headers=headers).get(IMAGES).json() == []


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_jwt_login_takes_json_and_forms_and_sets_two_cookies(
    alice: User, content_type: str
) -> None:
    body = SECRET if content_type == "application/json" else "username=alice&password=" + PASSWORD
    response = Client().post("/api/user/jwt-login/", body, content_type=content_type)
    assert (response.status_code, response.json()) == (200, {"success": True})
    for name in ("access_token", "refresh_token"):
        cookie = response.cookies[name]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize(("local", "secure"), [(True, ""), (False, True)])
def test_the_cookies_are_secure_outside_local_mode(
    alice: User, settings: Settings, local: bool, secure: bool | str
) -> None:
    settings.TOKEN_COOKIES_SECURE = not local
    response = Client().post("/api/user/jwt-login/", SECRET, content_type="application/json")
    for name in ("access_token", "refresh_token"):
        cookie = response.cookies[name if local else f"__Host-{name}"]
        # The prefix asks for this path, and for no domain (RFC 6265bis, section 4.1.3.2).
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (secure, "/", "")


def test_bad_credentials_for_cookies_are_401_with_a_detail(alice: User) -> None:
    wrong = {**SECRET, "password": "wrong"}
    response = Client().post("/api/user/jwt-login/", wrong, content_type="application/json")
    assert (response.status_code, response.json().keys()) == (401, {"detail"})
    assert not response.cookies


@pytest.mark.parametrize("who", ["wrong password", "unknown login", "disabled account"])
def test_bad_credentials_for_a_token_are_400_as_rest_frameworks_own_view_has_it(
    alice: User, who: str
) -> None:
    given = {
        "wrong password": {**SECRET, "password": "wrong"},
        "unknown login": {**SECRET, "username": "nobody"},
        "disabled account": SECRET,
    }[who]
    if who == "disabled account":
        disable(alice)
    response = Client().post("/api/user/token/", given, content_type="application/json")
    # Its own view, which asks Django's back ends for the account.
    with pytest.raises(ValidationError) as refused:
        AuthTokenSerializer(data=given).is_valid(raise_exception=True)
    assert (response.status_code, response.json()) == (400, refused.value.detail)
    assert response.json() == {"non_field_errors": ["Unable to log in with provided credentials."]}


@pytest.mark.parametrize("route", ["token", "jwt-login"])
def test_missing_fields_are_named(alice: User, route: str) -> None:
    response = Client().post(f"/api/user/{route}/", {}, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == {
        "username": ["This field is required."], "password": ["This field is required."]
    }  # fmt: skip


def test_too_many_failures_are_429_with_retry_after(alice: User) -> None:
    wrong = {**SECRET, "password": "wrong"}
    responses = [
        Client().post("/api/user/token/", wrong, content_type="application/json") for _ in range(6)
    ]
    assert [a.status_code for a in responses] == [400] * 5 + [429]
    assert int(responses[-1]["Retry-After"]) > 0
    assert responses[-1].json().keys() == {"detail"}


def browser(alice: User) -> Client:
    client = Client()
    client.post("/api/user/jwt-login/", SECRET, content_type="application/json")
    return client


def test_cookies_open_every_route_until_signing_out(alice: User) -> None:
    client = browser(alice)
    stolen = client.cookies["access_token"].value
    assert client.get(IMAGES).status_code == 200
    response = client.post("/api/user/jwt-logout/")
    assert (response.status_code, response.content) == (204, b"")
    assert response.cookies["access_token"].value == response.cookies["refresh_token"].value == ""
    # Else whoever sits there next finds the pictures in the browser's cache.
    assert response["Clear-Site-Data"] == '"cache"'
    client.cookies["access_token"] = stolen
    assert client.get(IMAGES).status_code == 401


def test_signing_out_with_dead_cookies_is_204_too(alice: User) -> None:
    client = browser(alice)
    Session.objects.of(alice).end()
    assert client.post("/api/user/jwt-logout/").status_code == 204
    assert Client().post("/api/user/jwt-logout/").status_code == 204


def test_a_stale_cookie_never_blocks_signing_in(alice: User) -> None:
    client = Client()
    client.cookies["access_token"] = client.cookies["refresh_token"] = "stale"
    response = client.post("/api/user/jwt-login/", SECRET, content_type="application/json")
    assert response.status_code == 200


def test_an_expired_access_cookie_is_renewed_in_the_same_request(alice: User) -> None:
    client = browser(alice)
    old = client.cookies["refresh_token"].value
    client.cookies["access_token"] = "gone"
    response = client.get(IMAGES)
    assert response.status_code == 200
    assert response.cookies["refresh_token"].value != old
    assert client.get(IMAGES).cookies == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver:8080"},
        {"Origin": "http://trusted.example"},
        {"Origin": "https://trusted.example:8443"},
        {"Origin": "null"},
    ],
)
def test_a_write_by_another_sites_page_is_refused(alice: User, headers: dict[str, str]) -> None:
    client = browser(alice)
    response = client.post("/api/user/jwt-logout/", headers=headers)
    assert (response.status_code, response.json().keys()) == (403, {"detail"})
    assert client.get(IMAGES).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://testserver"},
        {"Origin": "http://testserver:80"},
        {"Origin": "http://localhost:8000"},  # as PUBLIC_URL has it
        {"Origin": "https://trusted.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_write_from_here_or_from_no_browser_passes(alice: User, headers: dict[str, str]) -> None:
    assert browser(alice).post("/api/user/jwt-logout/", headers=headers).status_code == 204


def test_a_write_from_any_port_of_a_trusted_host_passes(alice: User, settings: Settings) -> None:
    settings.TRUSTED_ORIGINS = ["http://localhost:*"]
    headers = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
    assert browser(alice).post("/api/user/jwt-logout/", headers=headers).status_code == 204
    headers["Origin"] = "http://elsewhere.localhost:3000"
    assert browser(alice).post("/api/user/jwt-logout/", headers=headers).status_code == 403


def test_a_header_is_no_cross_site_matter(alice: User) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert token_client(alice).post("/api/user/jwt-logout/", headers=headers).status_code == 204


@pytest.mark.parametrize(
    "header", ["Token wrong", "Bearer a.b.c", "Bearer", "Basic YTpi", "a.b.c", "Token", "nonsense"]
)
def test_an_invalid_header_is_401(header: str) -> None:
    response = Client(headers={"Authorization": header}).get(IMAGES)
    assert (response.status_code, response.json().keys()) == (401, {"detail"})
    assert response["WWW-Authenticate"].startswith("Bearer")


# --- Pictures -----------------------------------------------------------------------------------


def test_an_upload_returns_the_picture(
    alice: User, as_alice: Client, stored_keys: StoredKeys
) -> None:
    response = upload(as_alice)
    picture = Picture.objects.get()
    assert response.status_code == 201
    assert response.json().keys() == {"id", "image"}
    assert response.json()["id"] == picture.pk
    assert response.json()["image"].startswith(f"http://testserver/images/{picture.key}?")
    assert stored_keys() == [picture.key]


def test_the_address_gives_what_was_uploaded(as_alice: Client) -> None:
    address = upload(as_alice).json()["image"]
    response = Client().get(address.removeprefix("http://testserver"))
    assert response.getvalue() == png(30, 20)


def test_the_content_decides_and_never_the_name(as_alice: Client) -> None:
    upload(as_alice, jpeg(30, 20), name="movie.exe")
    picture = Picture.objects.get()
    assert (picture.format, picture.key[-4:]) == ("JPEG", ".jpg")


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_what_is_no_picture_is_400_and_leaves_nothing(
    as_alice: Client, stored_keys: StoredKeys, content: bytes
) -> None:
    response = upload(as_alice, content)
    assert (response.status_code, response.json().keys()) == (400, {"image"})
    assert not Picture.objects.exists()
    assert stored_keys() == []


def test_a_truncated_picture_is_400(as_alice: Client) -> None:
    assert upload(as_alice, jpeg(300, 200)[:-400]).status_code == 400


@pytest.mark.parametrize("body", [{}, {"image": "a text"}])
def test_a_missing_file_is_400(as_alice: Client, body: dict[str, str]) -> None:
    response = as_alice.post(IMAGES, body)
    assert (response.status_code, response.json().keys()) == (400, {"image"})


def test_two_files_are_400(as_alice: Client) -> None:
    files = [SimpleUploadedFile("a.png", png(3, 2)), SimpleUploadedFile("b.png", png(3, 2))]
    assert as_alice.post(IMAGES, {"image": files}).status_code == 400


def test_more_bytes_than_the_tier_takes_are_413(alice: User, as_alice: Client) -> None:
    alice.tier.max_upload_bytes = 2000
    alice.tier.save()
    assert upload(as_alice, png(30, 20) + b"\0" * 2000).status_code == 413
    response = upload(as_alice, b"\0" * 200_000)
    assert (response.status_code, response.json().keys()) == (413, {"detail"})


def test_more_pixels_than_the_tier_takes_are_400(alice: User, as_alice: Client) -> None:
    alice.tier.max_pixels = 599
    alice.tier.save()
    assert upload(as_alice).status_code == 400


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("application/x-www-form-urlencoded", b"image=x.png"),
        ("application/json", b'{"image": "x.png"}'),
        ("image/png", b"x"),
        ("", b""),
    ],
)
def test_a_body_without_a_file_is_told_so_whatever_its_type(
    as_alice: Client, content_type: str, body: bytes
) -> None:
    response = as_alice.generic("POST", IMAGES, body, content_type)
    assert (response.status_code, response.json()) == (400, {"image": ["No file was submitted."]})


def test_a_full_quota_is_403(alice: User, as_alice: Client, stored_keys: StoredKeys) -> None:
    alice.tier.max_pictures = 1
    alice.tier.save()
    assert [upload(as_alice).status_code for _ in range(2)] == [201, 403]
    assert len(stored_keys()) == 1


def test_full_storage_is_403(alice: User, as_alice: Client) -> None:
    alice.tier.max_stored_bytes = len(png(30, 20)) + 1
    alice.tier.save()
    assert [upload(as_alice).status_code for _ in range(2)] == [201, 403]


def test_without_originals_the_image_is_a_bare_name(bob: User) -> None:
    basic = make_user("basic", "Basic")
    body = upload(token_client(basic)).json()
    assert body["image"] == Picture.objects.get().file_name
    assert "/" not in body["image"]


def test_the_list_is_a_bare_array_newest_first(alice: User, as_alice: Client) -> None:
    made = [make_picture(alice).pk for _ in range(3)]
    response = as_alice.get(IMAGES)
    assert [each["id"] for each in response.json()] == made[::-1]
    assert "Link" not in response
    assert "private" in response["Cache-Control"]


def test_pages_follow_one_another_without_gap_or_repetition(alice: User, as_alice: Client) -> None:
    made = [make_picture(alice).pk for _ in range(5)]
    Picture.objects.update(created_at=Picture.objects.earliest("id").created_at)
    seen, address = [], f"{IMAGES}?limit=2"
    while address:
        response = as_alice.get(address)
        seen += [each["id"] for each in response.json()]
        following = response.get("Link", "")
        assert not following or following.endswith('>; rel="next"')
        parts = urlsplit(following.strip("<").split(">")[0])
        address = f"{parts.path}?{parts.query}" if following else ""
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=-1", "cursor=x", "limit=", "limit=000019999999"]
    + [f"limit={'9' * digits}" for digits in (30, 5005)],
)
def test_a_bad_page_is_400_naming_the_parameter(as_alice: Client, query: str) -> None:
    response = as_alice.get(f"{IMAGES}?{query}")
    assert (response.status_code, list(response.json())) == (400, [query.partition("=")[0]])


def test_ones_own_write_is_visible_at_once(
    as_alice: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    assert as_alice.get(IMAGES).json() == []
    with django_capture_on_commit_callbacks(execute=True):
        made = upload(as_alice).json()
    assert [each["id"] for each in as_alice.get(IMAGES).json()] == [made["id"]]
    with django_capture_on_commit_callbacks(execute=True):
        as_alice.delete(f"{IMAGES}{made['id']}/")
    assert as_alice.get(IMAGES).json() == []


def test_a_list_is_cached_for_a_while(
    alice: User, as_alice: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_picture(alice)
    first = as_alice.get(IMAGES).json()
    with django_assert_num_queries(1):
        assert as_alice.get(IMAGES).json() == first


def test_nobody_gets_anothers_list(alice: User, as_alice: Client, as_bob: Client) -> None:
    make_picture(alice)
    assert len(as_alice.get(IMAGES).json()) == 1
    assert as_bob.get(IMAGES).json() == []
    client = browser(alice)
    assert len(client.get(IMAGES).json()) == 1
    client.cookies.clear()
    assert client.get(IMAGES).status_code == 401


def test_a_new_tier_shows_at_once(
    alice: User,
    as_alice: Client,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_picture(alice)
    assert as_alice.get(IMAGES).json()[0]["image"].startswith("http")
    with django_capture_on_commit_callbacks(execute=True):
        move_to_tier(alice, tier("Basic"))
    assert not as_alice.get(IMAGES).json()[0]["image"].startswith("http")


@pytest.mark.unhurried
@pytest.mark.parametrize("count", [1, 30])
def test_lists_cost_the_same_however_long(
    rendered: Callable[..., Picture],
    alice: User,
    as_alice: Client,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(count):
        rendered(alice, jpeg(30, 20))
    for route in (IMAGES, THUMBNAILS):
        with django_assert_num_queries(2):
            assert as_alice.get(route).json()


def test_one_picture_is_read_by_its_id(alice: User, as_alice: Client) -> None:
    picture = make_picture(alice)
    response = as_alice.get(f"{IMAGES}{picture.pk}/")
    assert response.status_code == 200
    assert response.json() == {
        "id": picture.pk,
        "image": response.json()["image"],
        "description": "",
        "visibility": "private",
        "thumbhash": None,
        "dominant_color": None,
    }


def test_a_rendered_picture_has_its_placeholders(
    rendered: Callable[..., Picture], alice: User, as_alice: Client
) -> None:
    picture = rendered(alice, jpeg(300, 200))
    details = as_alice.get(f"{IMAGES}{picture.pk}/").json()
    picture.refresh_from_db()
    assert details["thumbhash"] == picture.thumbhash != ""
    assert details["dominant_color"] == picture.dominant_color != ""


def test_deleting_removes_rows_links_and_files(
    rendered: Callable[..., Picture],
    alice: User,
    as_alice: Client,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = rendered(alice)
    as_alice.get(f"/api/user/link/{picture.pk}/?time=300")
    assert set(stored_keys()) == {picture.key, *keys(picture)}
    with django_capture_on_commit_callbacks(execute=True):
        response = as_alice.delete(f"{IMAGES}{picture.pk}/")
    assert (response.status_code, response.content) == (204, b"")
    assert stored_keys() == []
    assert not Thumbnail.objects.exists()
    assert as_alice.get(f"{IMAGES}{picture.pk}/").status_code == 404


# --- Changing -----------------------------------------------------------------------------------


@pytest.fixture
def picture(alice: User) -> Picture:
    return make_picture(alice)


def change(client: Client, picture: Picture, body: object) -> Response:
    return client.patch(f"/api/user/images/{picture.pk}/", body, content_type="application/json")


def test_what_is_given_changes_and_what_is_not_stays(as_alice: Client, picture: Picture) -> None:
    first = change(as_alice, picture, {"description": " A cat, asleep\n"})
    assert first.status_code == 200
    assert first.json() == {
        "id": picture.pk,
        "image": first.json()["image"],
        "description": " A cat, asleep\n",
        "visibility": "private",
        "thumbhash": None,
        "dominant_color": None,
    }
    second = change(as_alice, picture, {"visibility": "public"}).json()
    assert (second["description"], second["visibility"]) == (" A cat, asleep\n", "public")
    read = as_alice.get(f"/api/user/images/{picture.pk}/").json()
    assert (read["description"], read["visibility"]) == (" A cat, asleep\n", "public")


def test_a_description_may_be_emptied(as_alice: Client, picture: Picture) -> None:
    change(as_alice, picture, {"description": "x"})
    assert change(as_alice, picture, {"description": ""}).json()["description"] == ""


def test_nothing_given_changes_nothing(as_alice: Client, picture: Picture) -> None:
    assert change(as_alice, picture, {}).json()["visibility"] == "private"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"visibility": "friends"}, "visibility"),
        ({"visibility": None}, "visibility"),
        ({"description": "x" * 2001}, "description"),
        ({"description": "a\0b"}, "description"),
        ({"description": ["x"]}, "description"),
        ([], "non_field_errors"),
    ],
)
def test_what_is_not_understood_is_refused_by_field(
    as_alice: Client, picture: Picture, body: object, field: str
) -> None:
    response = change(as_alice, picture, body)
    assert (response.status_code, response.json().keys()) == (400, {field})
    picture.refresh_from_db()
    assert (picture.visibility, picture.description) == ("private", "")


def test_a_stranger_finds_nothing_to_change(as_bob: Client, picture: Picture) -> None:
    assert change(as_bob, picture, {"visibility": "public"}).status_code == 404


def test_a_picture_made_public_opens_for_anyone_and_made_private_for_nobody(
    as_alice: Client, picture: Picture
) -> None:
    address = f"/images/{picture.key}"
    assert Client().get(address).status_code == 404
    change(as_alice, picture, {"visibility": "public"})
    assert Client().get(address).status_code == 200
    change(as_alice, picture, {"visibility": "private"})
    assert Client().get(address).status_code == 404


# --- Thumbnails ---------------------------------------------------------------------------------


def test_thumbnails_follow_an_upload(
    rendered: Callable[..., Picture], alice: User, as_alice: Client
) -> None:
    picture = rendered(alice)
    found = as_alice.get(THUMBNAILS).json()
    assert {each["height"] for each in found} == {200, 400}
    for each in found:
        assert each.keys() == {"id", "image_id", "height", "thumbnail"}
        assert each["image_id"] == picture.pk
        assert each["thumbnail"].startswith("http://testserver/images/users/")


def test_a_thumbnails_address_opens(
    rendered: Callable[..., Picture], alice: User, as_alice: Client
) -> None:
    rendered(alice)
    for each in as_alice.get(THUMBNAILS).json():
        response = Client().get(each["thumbnail"].removeprefix("http://testserver"))
        assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")


def test_one_thumbnail_is_read_and_deleted_by_its_id(
    rendered: Callable[..., Picture],
    alice: User,
    as_alice: Client,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = rendered(alice)
    first = as_alice.get(THUMBNAILS).json()[0]
    assert as_alice.get(f"{THUMBNAILS}{first['id']}/").json() == first
    with django_capture_on_commit_callbacks(execute=True):
        response = as_alice.delete(f"{THUMBNAILS}{first['id']}/")
    assert (response.status_code, response.content) == (204, b"")
    assert as_alice.get(f"{THUMBNAILS}{first['id']}/").status_code == 404
    assert len(as_alice.get(THUMBNAILS).json()) == 1
    assert set(stored_keys()) == {picture.key, *keys(picture)}


def test_a_height_that_the_tier_no_longer_grants_shows_no_more(
    rendered: Callable[..., Picture], alice: User, as_alice: Client
) -> None:
    rendered(alice)
    alice.tier.heights.filter(height=400).delete()
    assert {each["height"] for each in as_alice.get(THUMBNAILS).json()} == {200}


# --- Links --------------------------------------------------------------------------------------


def test_a_link_is_an_address_and_its_seconds(alice: User, as_alice: Client) -> None:
    picture = make_picture(alice)
    response = as_alice.get(f"/api/user/link/{picture.pk}/?time=300")
    assert response.status_code == 200
    assert response.json().keys() == {"url", "expires_in"}
    assert response.json()["expires_in"] == 300
    opened = Client().get(response.json()["url"].removeprefix("http://testserver"))
    assert opened.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "time=299",
        "time=30001",
        "time=x",
        "time=",
        "",
        "time=1e3",
        "time=-5",
        "time=%2B300",
        "time=+300",
        "time=300+",
        "time=3_00",
        "time=300.0",
        "time=%D9%A3%D9%A0%D9%A0",
        "time=300%0A",
        "time=0x12c",
    ],
)
def test_a_bad_time_is_400_with_a_reason(alice: User, as_alice: Client, query: str) -> None:
    response = as_alice.get(f"/api/user/link/{make_picture(alice).pk}/?{query}")
    assert (response.status_code, response.json().keys()) == (400, {"time"})


def test_permission_comes_before_existence_and_existence_before_time(
    alice: User, as_alice: Client
) -> None:
    premium = token_client(make_user("premium", "Premium"))
    assert premium.get("/api/user/link/999/?time=1").status_code == 403
    assert as_alice.get("/api/user/link/999/?time=1").status_code == 404


# --- Errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/user/nothing/", "/api/user/images/0/", "/api/user/images/999999999999999999999/"]
)
def test_what_is_not_there_is_404_with_a_detail(as_alice: Client, path: str) -> None:
    response = as_alice.get(path)
    assert (response.status_code, response.json().keys()) == (404, {"detail"})


def test_a_wrong_method_is_405_with_what_is_allowed(as_alice: Client) -> None:
    response = as_alice.put(IMAGES)
    assert (response.status_code, response.json().keys()) == (405, {"detail"})
    assert "GET" in response["Allow"]


def test_malformed_json_is_400() -> None:
    response = Client().post("/api/user/token/", "{", content_type="application/json")
    assert (response.status_code, response.json()) == (400, {"detail": "The body cannot be read."})


def test_a_body_that_is_too_long_is_413_before_it_is_read() -> None:
    response = Client().post("/api/user/token/", "x" * 70_000, content_type="application/json")
    assert (response.status_code, response.json().keys()) == (413, {"detail"})


def test_an_unforeseen_failure_tells_nothing_about_the_inside(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.restful_api.views.cached_list_response", lambda *a: 1 / 0)
    client = token_client(alice)
    client.raise_request_exception = False
    response = client.get(IMAGES)
    assert (response.status_code, response.json()) == (500, {"detail": "Internal server error."})


def test_a_list_that_the_client_has_is_304_without_making_it(
    alice: User,
    settings: Settings,
    django_assert_num_queries: DjangoAssertNumQueries,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """The session's row is read each time; the list is not, until something of it changes."""
    settings.CACHE_SECONDS = 10
    client, pictures = token_client(alice), [make_picture(alice) for _ in range(2)]
    for path in (f"{IMAGES}?limit=1", f"{IMAGES}?fields=all", "/api/user/thumbnails/"):
        first = client.get(path)
        with django_assert_num_queries(1):
            again = client.get(path)
        assert (again.content, again["ETag"]) == (first.content, first["ETag"])
        assert again.get("Link") == first.get("Link")
        with django_assert_num_queries(1):
            known = client.get(path, headers={"If-None-Match": f"W/{first['ETag']}"})
        assert (known.status_code, known.content, known["ETag"]) == (304, b"", first["ETag"])
        assert known["Cache-Control"] == "private, no-cache"
        assert known["Vary"] == first["Vary"]
    tag = client.get(IMAGES)["ETag"]
    with django_capture_on_commit_callbacks(execute=True):
        client.delete(f"{IMAGES}{pictures[0].pk}/")
    changed = client.get(IMAGES, headers={"If-None-Match": tag})
    assert (changed.status_code, len(changed.json())) == (200, 1)
    # Nobody else's, and nobody's without a token.
    assert Client().get(IMAGES, headers={"If-None-Match": changed["ETag"]}).status_code == 401
    settings.CACHE_SECONDS = 0
    assert client.get(IMAGES, headers={"If-None-Match": changed["ETag"]}).status_code == 304


def test_a_kept_list_that_something_else_wrote_is_made_again(
    alice: User, settings: Settings
) -> None:
    settings.CACHE_SECONDS = 10
    client = token_client(alice)
    make_picture(alice)
    first = client.get(IMAGES)
    redis: Any = redis_client()
    mark = redis.get(cache.make_key(f"list-mark:{alice.pk}"))
    [key] = redis.keys(f"*:list:{alice.pk}:*")
    for poison in (
        b"",
        b"[]",
        b"[1, 2]\n[]",
        b'["a", ""]\n',
        b'["a", ""]\n{}',
        b"[" * 5000,
        b'["\\"a\\"", "", "x"]\n[]',
        b'"a"\n\n\n{}',
        b"a\n\n\n[]",
        b'"\xff"\n\n\n[]',
    ):
        redis.set(key, mark + poison)
        response = client.get(IMAGES)
        assert (response.json(), response["ETag"]) == (first.json(), first["ETag"])
