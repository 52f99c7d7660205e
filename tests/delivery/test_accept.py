"""WebP and AVIF are sent to clients that name them in `Accept`, and to no others."""

import re

import pytest
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from delivery.accept import preferred_formats
from images.links import make_link
from images.models import Picture
from images.signed_urls import signed_path
from images.storage.base import picture_storage
from tests.clients import Client, Response
from tests.factories import bearer_client, make_picture, make_tier
from tests.pictures import animation, encode, png, waves
from thumbnails.models import Thumbnail
from thumbnails.services import ensure_thumbnails
from thumbnails.smaller_formats import make_beside

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
NAVIGATION = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
FIREFOX = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI = (
    "image/webp,image/avif,image/jxl,image/heic,video/*;q=0.8,image/png,image/svg+xml,"
    "image/*;q=0.8,*/*;q=0.5"
)
BOTH = ("image/avif", "image/webp")
# Chrome before 85.
OLD_CHROME = "image/webp,image/apng,image/*,*/*;q=0.8"
# Safari before 14, which cannot show WebP.
OLD_SAFARI = "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"
ALL = {CHROME: "image/avif", OLD_CHROME: "image/webp", "*/*": "image/jpeg"}


@pytest.mark.parametrize(
    ("accept", "usual", "expected"),
    [
        (CHROME, "image/jpeg", BOTH),
        (NAVIGATION, "image/jpeg", BOTH),
        (FIREFOX, "image/jpeg", BOTH),
        (FIREFOX, "image/png", BOTH),
        (SAFARI, "image/jpeg", BOTH),
        (OLD_SAFARI, "image/jpeg", ()),
        ("image/avif", "image/jpeg", ("image/avif",)),
        ("image/avif;q=0, image/webp", "image/jpeg", ("image/webp",)),
        ("image/avif;q=0.5, image/webp;q=0.6", "image/jpeg", BOTH[::-1]),
        ("image/avif, image/webp;q=0.6", "image/jpeg", BOTH),
        ("image/avif;q=0.8, image/jpeg", "image/jpeg", ()),
        ("image/avif-sequence, image/*", "image/jpeg", ()),
        ("image/webp", "image/jpeg", ("image/webp",)),
        ("IMAGE/WEBP", "image/jpeg", ("image/webp",)),
        ("image/webp;q=1.0, */*;q=0.1", "image/gif", ("image/webp",)),
        ("image/jpeg, image/webp", "image/jpeg", ("image/webp",)),
        ("image/jpeg, image/webp;q=0.9", "image/jpeg", ()),
        ("image/jpeg;q=0, image/webp;q=0.1, */*", "image/jpeg", ("image/webp",)),
        ("image/jpeg;q=0.5, image/webp;q=0.4, image/png", "image/jpeg", ()),
        ("image/webp;q=0.3, image/png;q=0.2", "image/jpeg", ("image/webp",)),
        ("image/webp;q=0.1, */*", "image/jpeg", ()),
        ("image/webp;q=0.8, image/*;q=0.5", "image/jpeg", ("image/webp",)),
        ("image/webp;q=0", "image/jpeg", ()),
        ("image/webp;q=0, */*", "image/jpeg", ()),
        ("image/webp;q=0.000", "image/jpeg", ()),
        ("*/*", "image/jpeg", ()),
        ("image/*", "image/jpeg", ()),
        ("image/webpx", "image/jpeg", ()),
        ("text/html", "image/jpeg", ()),
        ("", "image/jpeg", ()),
        (",;,=;q", "image/jpeg", ()),
        ("image/webp;q=nan", "image/jpeg", ()),
        ("image/webp;q=high, */*;q=0.5", "image/jpeg", ("image/webp",)),
    ],
)
def test_smaller_formats_are_sent_to_clients_that_name_them(
    accept: str, usual: str, expected: tuple[str, ...]
) -> None:
    assert preferred_formats(accept, usual) == expected


@pytest.fixture
def thumbnail(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Thumbnail:
    """A thumbnail that is stored as JPEG, as WebP and as AVIF."""
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, encode(waves(900, 600), "JPEG"), visibility="public")
    return picture.thumbnails.get(height=400)


def body(response: Response) -> bytes:
    return response.getvalue()


def varies(response: Response, header: str = "Accept") -> bool:
    return header in re.split(", *", response.get("Vary", ""))


def read_stored(key: str) -> bytes:
    with picture_storage.open(key) as file:
        return file.read()


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("accept", "kind"),
    [(FIREFOX, "avif"), (OLD_CHROME, "webp"), ("*/*", "jpeg"), (OLD_SAFARI, "jpeg")],
)
def test_one_url_serves_each_client_a_format_it_can_show(
    browser: Client, thumbnail: Thumbnail, accept: str, kind: str
) -> None:
    address = signed_path(thumbnail.key)
    response = browser.get(address, headers={"Accept": accept})
    keys = {"avif": thumbnail.avif_key, "webp": thumbnail.webp_key, "jpeg": thumbnail.key}
    key = keys[kind]
    assert (response.status_code, body(response)) == (200, read_stored(key))
    assert response["Content-Type"] == f"image/{kind}"
    assert response["Content-Disposition"] == f'inline; filename="{key.rsplit("/")[-1]}"'
    assert varies(response)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in response["Cache-Control"]


@pytest.fixture
def early(alice: User) -> Thumbnail:
    """A thumbnail as JPEG, before what lies beside it is made."""
    picture = make_picture(alice, encode(waves(900, 600), "JPEG"), visibility="public")
    ensure_thumbnails(picture.pk)
    return picture.thumbnails.get(height=400)


@pytest.mark.parametrize("accel", ["", "/protected/"])
def test_what_is_made_later_is_sent_from_then_on_at_the_same_url(
    browser: Client, early: Thumbnail, settings: Settings, accel: str
) -> None:
    """Before, a client that prefers it may keep the usual file for a moment alone."""
    settings.ACCEL_REDIRECT_PREFIX = accel
    address = signed_path(early.key)
    for header in (CHROME, OLD_CHROME):
        before = browser.get(address, headers={"Accept": header})
        assert (before.status_code, before["Content-Type"]) == (200, "image/jpeg")
        assert (before["Cache-Control"], varies(before)) == ("private, max-age=60", True)
    usual = browser.get(address)
    assert (usual.get("ETag"), varies(usual)) == (before.get("ETag"), True)
    assert usual["Cache-Control"].endswith("immutable")
    make_beside(early.picture_id)
    early.refresh_from_db()
    for header, kind in ALL.items():
        # nginx compares with its own tags.
        known = {} if accel else {"If-None-Match": before["ETag"]}
        after = browser.get(address, headers={"Accept": header, **known})
        assert after.status_code == (304 if known and kind == "image/jpeg" else 200)
        assert (varies(after), "immutable" in after["Cache-Control"]) == (True, True)
        assert after.get("Content-Type", kind) == kind
    best = browser.get(address, headers={"Accept": CHROME})
    if accel:
        assert best["X-Accel-Redirect"] == accel + early.avif_key
    else:
        assert body(best) == read_stored(early.avif_key)


def test_an_avatar_is_kept_for_a_moment_where_something_better_may_come(
    browser: Client, early: Thumbnail, alice: User
) -> None:
    Picture.objects.update(is_active=True)
    avatar = f"/avatars/{alice.pk}/{early.key.rsplit('/')[-1]}"
    response = browser.get(avatar, headers={"Accept": CHROME})
    assert (response["Content-Type"], varies(response)) == ("image/jpeg", True)
    assert response["Cache-Control"] == "public, max-age=60"


def test_what_came_out_no_smaller_is_passed_over(browser: Client, alice: User) -> None:
    """The key says that there may be an AVIF; there is a WebP alone, and that for good."""
    picture = make_picture(alice, encode(waves(900, 600), "JPEG"))
    ensure_thumbnails(picture.pk)
    make_beside(picture.pk)
    row = picture.thumbnails.get(height=400)
    picture_storage.delete(row.avif_key)
    response = browser.get(signed_path(row.key), headers={"Accept": CHROME})
    assert (response["Content-Type"], body(response)) == ("image/webp", read_stored(row.webp_key))
    assert "immutable" in response["Cache-Control"]


def test_negotiating_the_format_costs_no_query(
    browser: Client, thumbnail: Thumbnail, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        browser.get(signed_path(thumbnail.key), headers={"Accept": CHROME})


def test_each_format_has_its_own_entity_tag(browser: Client, thumbnail: Thumbnail) -> None:
    address = signed_path(thumbnail.key)
    tags = {accept: browser.get(address, headers={"Accept": accept})["ETag"] for accept in ALL}
    assert len(set(tags.values())) == len(ALL)
    for accept, tag in tags.items():
        for other, given in tags.items():
            headers = {"Accept": accept, "If-None-Match": given}
            response = browser.get(address, headers=headers)
            expected = (304 if other == accept else 200, tag, True)
            assert (response.status_code, response["ETag"], varies(response)) == expected


def test_ranges_and_heads_are_of_the_negotiated_format(
    browser: Client, thumbnail: Thumbnail
) -> None:
    address = signed_path(thumbnail.key)
    head = browser.head(address, headers={"Accept": CHROME})
    assert head["Content-Length"] == str(thumbnail.avif_bytes)
    part = browser.get(address, headers={"Accept": CHROME, "Range": "bytes=4-11"})
    assert (part.status_code, body(part)) == (206, b"ftypavif")
    assert part["Content-Range"] == f"bytes 4-11/{thumbnail.avif_bytes}"
    late = browser.get(address, headers={"Accept": CHROME, "Range": f"bytes={thumbnail.bytes}-"})
    assert (late.status_code, varies(late)) == (416, True)


def test_if_range_with_the_other_formats_tag_gets_the_whole_file(
    browser: Client, thumbnail: Thumbnail
) -> None:
    address = signed_path(thumbnail.key)
    usual = browser.get(address)["ETag"]
    headers = {"Accept": CHROME, "Range": "bytes=0-3", "If-Range": usual}
    assert browser.get(address, headers=headers).status_code == 200


def test_behind_nginx_the_negotiated_file_is_named(
    browser: Client, thumbnail: Thumbnail, settings: Settings
) -> None:
    settings.ACCEL_REDIRECT_PREFIX = "/protected/"
    response = browser.get(signed_path(thumbnail.key), headers={"Accept": CHROME})
    assert response["X-Accel-Redirect"] == f"/protected/{thumbnail.avif_key}"
    assert (response["Content-Type"], varies(response)) == ("image/avif", True)


def test_an_original_has_one_format_and_no_vary_header(
    browser: Client, thumbnail: Thumbnail
) -> None:
    response = browser.get(signed_path(thumbnail.picture.key), headers={"Accept": CHROME})
    assert response["Content-Type"] == "image/jpeg"
    assert not varies(response)


def test_what_lies_beside_has_no_url_of_its_own(
    browser: Client, thumbnail: Thumbnail, alice: User
) -> None:
    address = signed_path(thumbnail.key)
    for key in (thumbnail.webp_key, thumbnail.avif_key):
        assert browser.get(address.replace(thumbnail.key, key)).status_code == 404
        avatar = f"/avatars/{alice.pk}/{key.rsplit('/')[-1]}"
        assert browser.get(avatar).status_code == 404


def test_avatars_and_links_negotiate_too(
    browser: Client, thumbnail: Thumbnail, alice: User
) -> None:
    Picture.objects.update(is_active=True)
    name = thumbnail.key.rsplit("/")[-1]
    avatar = browser.get(f"/avatars/{alice.pk}/{name}", headers={"Accept": CHROME})
    assert (avatar["Content-Type"], varies(avatar)) == ("image/avif", True)
    assert avatar["Cache-Control"].startswith("public")
    alice.tier = make_tier("Linked", [400], grants_links=True)
    alice.save()
    link = f"/l/{make_link(maker=alice, picture=thumbnail.picture, seconds=300)[1]}"
    for accept, kind in ALL.items():
        assert browser.get(link, headers={"Accept": accept})["Content-Type"] == kind


def test_an_unsigned_url_varies_with_the_viewer_too(
    browser: Client, thumbnail: Thumbnail, alice: User
) -> None:
    alice.tier = make_tier("Small", [400])
    alice.save()
    response = browser.get(f"/images/{thumbnail.picture.key}", headers={"Accept": CHROME})
    assert response["Content-Type"] == "image/avif"
    assert all(varies(response, header) for header in ("Accept", "Authorization", "Cookie"))


@pytest.mark.parametrize("url", ["/api/images/{}", "/image/{}/jpeg", "/image/{}"])
def test_contracts_that_promise_a_format_keep_it(
    thumbnail: Thumbnail, alice: User, url: str
) -> None:
    alice.tier = make_tier("Small", [400])
    alice.save()
    client = bearer_client(alice)
    address = url.format(thumbnail.picture.uid)
    usual = body(client.get(address))
    sent = body(client.get(address, headers={"Accept": CHROME}))
    assert sent
    assert sent == usual
    for name in (b"WEBP", b"ftypavif", b"image/webp", b"image/avif"):
        assert name not in sent[:200]


def test_an_animation_is_served_as_webp_where_that_is_smaller(
    browser: Client, alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    colours = [(30 * n, 200 - 20 * n, 90) for n in range(8)]
    with django_capture_on_commit_callbacks(execute=True):
        moving = make_picture(alice, animation("GIF", colours, [100] * 8, size=300))
        still = make_picture(alice, png(30, 20))
    for row in [*moving.thumbnails.all(), *still.thumbnails.all()]:
        response = browser.get(signed_path(row.key), headers={"Accept": CHROME})
        expected = "image/webp" if row.webp_key else row.content_type
        assert not row.avif_key
        assert (response["Content-Type"], varies(response)) == (expected, bool(row.webp_key))
    assert {row.content_type for row in moving.thumbnails.all()} == {"image/gif"}
