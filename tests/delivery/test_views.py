"""What a browser opens: files by signed URL, links, and their error pages."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from accounts.services import move_to_tier
from images.links import make_link
from images.models import Link, Picture
from images.signed_urls import signed_path
from tests.clients import Client, Response
from tests.factories import make_picture, tier
from tests.pictures import jpeg, png
from tests.storages import StoredKeys

pytestmark = [pytest.mark.django_db, pytest.mark.storages]


@pytest.fixture
def picture(alice: User) -> Picture:
    return make_picture(alice, png(30, 20))


def body(response: Response) -> bytes:
    return response.getvalue()


def test_a_signed_url_serves_the_uploaded_bytes_without_a_query(
    browser: Client, picture: Picture, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = browser.get(signed_path(picture.key))
    assert (response.status_code, body(response)) == (200, png(30, 20))
    assert response["Content-Type"] == "image/png"
    assert response["Content-Length"] == str(picture.bytes)
    assert response["Content-Disposition"] == f'inline; filename="{picture.file_name}"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("default-src 'none'; sandbox")


def test_a_browser_may_cache_the_bytes_until_the_url_expires(
    browser: Client, picture: Picture, settings: Settings
) -> None:
    control = browser.get(signed_path(picture.key))["Cache-Control"]
    age = int(control.split("max-age=")[1].split(",")[0])
    assert settings.MEDIA_URL_WINDOW <= age <= 2 * settings.MEDIA_URL_WINDOW
    assert control.startswith("private")


def test_an_unchanged_file_is_not_sent_again(browser: Client, picture: Picture) -> None:
    address = signed_path(picture.key)
    etag = browser.get(address)["ETag"]
    response = browser.get(address, headers={"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")
    assert response["ETag"] == etag


def test_a_head_request_gets_the_length_without_a_body(browser: Client, picture: Picture) -> None:
    response = browser.head(signed_path(picture.key))
    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Length"] == str(picture.bytes)


def test_a_range_request_gets_that_range(browser: Client, picture: Picture) -> None:
    response = browser.get(signed_path(picture.key), headers={"Range": "bytes=1-3"})
    assert (response.status_code, body(response)) == (206, png(30, 20)[1:4])
    assert response["Content-Range"] == f"bytes 1-3/{picture.bytes}"
    assert response["Content-Length"] == "3"


def test_if_range_with_another_tag_gets_the_whole_file(browser: Client, picture: Picture) -> None:
    headers = {"Range": "bytes=1-3", "If-Range": '"another"'}
    assert browser.get(signed_path(picture.key), headers=headers).status_code == 200


def test_a_range_past_the_end_is_refused(browser: Client, picture: Picture) -> None:
    response = browser.get(signed_path(picture.key), headers={"Range": "bytes=999999-"})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{picture.bytes}"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a.split("?")[0],
        lambda a: a[:-1] + "_",
        lambda a: a.replace("/users/", "/users/../users/"),
    ],
)
def test_a_forged_url_is_not_found(
    browser: Client, picture: Picture, spoil: Callable[[str], str]
) -> None:
    response = browser.get(spoil(signed_path(picture.key)))
    assert response.status_code == 404
    assert str(picture.uid) not in response.content.decode()


def test_the_url_of_a_deleted_picture_is_not_found(
    browser: Client,
    picture: Picture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    address = signed_path(picture.key)
    with django_capture_on_commit_callbacks(execute=True):
        picture.delete()
    assert browser.get(address).status_code == 404


def test_behind_nginx_files_on_disk_are_sent_by_nginx(
    browser: Client, picture: Picture, settings: Settings, stored_on: str
) -> None:
    settings.ACCEL_REDIRECT_PREFIX = "/protected/"
    response = browser.get(signed_path(picture.key))
    if stored_on == "s3":
        assert (body(response), "X-Accel-Redirect" in response) == (png(30, 20), False)
        return
    assert (response.content, response["X-Accel-Redirect"]) == (b"", f"/protected/{picture.key}")
    assert response["Content-Type"] == "image/png"
    assert "ETag" not in response  # nginx's own takes its place
    plain = browser.get(signed_path(picture.key), headers={"Range": "bytes=1-3"})
    assert "X-Accel-Redirect" in plain


@pytest.mark.parametrize(
    ("header", "status"), [("bytes=,1-3", 206), ("bytes=1-3, 5-6", 200), ("bytes=99999-", 416)]
)
def test_a_range_that_nginx_would_read_in_its_own_way_is_sent_by_the_service(
    browser: Client, picture: Picture, settings: Settings, header: str, status: int
) -> None:
    settings.ACCEL_REDIRECT_PREFIX = "/protected/"
    response = browser.get(signed_path(picture.key), headers={"Range": header})
    assert (response.status_code, "X-Accel-Redirect" in response) == (status, False)
    whole = png(30, 20)
    assert body(response) == {206: whole[1:4], 200: whole, 416: b""}[status]


def link_to(owner: User, picture: Picture) -> str:
    return f"/l/{make_link(maker=owner, picture=picture, seconds=300)[1]}"


def test_a_link_opens_without_an_account(browser: Client, alice: User, picture: Picture) -> None:
    response = browser.get(link_to(alice, picture))
    assert (response.status_code, body(response)) == (200, png(30, 20))
    assert response["Content-Disposition"].startswith("inline; filename=")
    assert response["Content-Type"] == "image/png"
    assert response["Cache-Control"] == "private, no-cache"
    assert Link.objects.get().opened == 1


def test_a_link_costs_two_queries(
    browser: Client,
    alice: User,
    picture: Picture,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    address = link_to(alice, picture)
    browser.get(address)
    with django_assert_num_queries(2):
        assert browser.get(address).status_code == 200


def test_a_link_serves_the_original_without_metadata(browser: Client, alice: User) -> None:
    original = jpeg(60, 40, comment=b"taken at home")
    picture = make_picture(alice, original)
    sent = body(browser.get(link_to(alice, picture)))
    assert b"taken at home" in original
    assert b"taken at home" not in sent
    picture.refresh_from_db()
    assert picture.clean_key not in {"", picture.key}


def test_a_tier_may_serve_originals_with_metadata(browser: Client, alice: User) -> None:
    alice.tier.cleans_originals = False
    alice.tier.save()
    original = jpeg(60, 40, comment=b"taken at home")
    assert body(browser.get(link_to(alice, make_picture(alice, original)))) == original


def test_the_stripped_copy_is_deleted_with_its_picture(
    browser: Client,
    alice: User,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    picture = make_picture(alice, jpeg(60, 40, comment=b"taken at home"))
    browser.get(link_to(alice, picture))
    assert len(stored_keys()) == 2
    picture.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        picture.delete()
    assert stored_keys() == []


@pytest.mark.parametrize("end", ["revoke", "downgrade", "delete"])
def test_an_ended_link_shows_a_page_that_says_so(
    browser: Client, alice: User, picture: Picture, end: str
) -> None:
    address = link_to(alice, picture)
    if end == "revoke":
        Link.objects.all().revoke()
    elif end == "downgrade":
        move_to_tier(alice, tier("Basic"))
    else:
        picture.delete()
    response = browser.get(address)
    assert response.status_code == 410
    assert response["Content-Type"].startswith("text/html")
    assert response["Cache-Control"] == "no-store"


def test_an_expired_link_is_410_and_costs_one_query_at_most(
    browser: Client,
    alice: User,
    picture: Picture,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    address = link_to(alice, picture)
    Link.objects.update(expires_at=timezone.now())
    with django_assert_num_queries(1):
        assert browser.get(address).status_code == 410


def test_a_forged_link_is_404_without_a_query(
    browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert browser.get("/l/1.AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
        assert browser.get("/l/1.zzzzzz.AAAAAAAAAAAAAAAAAAAAAA").status_code == 404


def test_a_link_to_a_picture_whose_owner_may_not_have_originals_shows_the_best_thumbnail(
    browser: Client, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    alice.tier.grants_original = False
    alice.tier.save()
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, png(1200, 900))
    sent = body(browser.get(link_to(alice, picture)))
    tallest = picture.thumbnails.latest("height")
    assert (len(sent), tallest.height) == (tallest.bytes, 400)


def test_a_link_to_a_picture_that_is_not_rendered_yet_is_503(browser: Client, alice: User) -> None:
    alice.tier.grants_original = False
    alice.tier.save()
    response = browser.get(link_to(alice, make_picture(alice, png(30, 20))))
    assert (response.status_code, response["Retry-After"]) == (503, "5")


def test_the_gallery_is_a_page(browser: Client) -> None:
    response = browser.get("/")
    assert response.status_code == 200
    assert "default-src" in response["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_files_and_links_are_read_only(browser: Client, method: str) -> None:
    assert getattr(browser, method)("/l/x").status_code == 405
    assert getattr(browser, method)("/images/x").status_code == 405
