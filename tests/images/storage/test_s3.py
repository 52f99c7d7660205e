"""The same keys on S3 as on disk, under a prefix."""

import html
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import pytest
import requests
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from config.health import views
from config.health.probes import Probe
from images.default_picture import copy_default
from images.exceptions import StorageAway
from images.models import Picture
from images.signed_urls import signed_url
from images.storage.base import picture_storage
from images.storage.urls import describe_storage
from tests.clients import Client
from tests.factories import make_picture
from tests.pictures import png
from tests.storages import Bucket
from tests.thumbnails.rows import keys
from thumbnails.deletion import delete_all
from thumbnails.models import Thumbnail

pytestmark = [pytest.mark.django_db, pytest.mark.s3]


def test_a_picture_lies_in_its_owners_folder(bucket: Bucket, alice: User, as_alice: Client) -> None:
    picture = make_picture(alice, png(30, 20))
    assert bucket.names() == [f"{bucket.prefix}/users/{alice.pk}/{picture.file_name}"]
    assert as_alice.get(f"/images/{picture.key}").getvalue() == png(30, 20)


def test_a_preferred_name_is_taken_once(bucket: Bucket, alice: User) -> None:
    copy_default(owner=alice, visibility="members", preferred_name="ana.png")
    assert bucket.names() == [f"{bucket.prefix}/users/{alice.pk}/ana.png"]
    Picture.objects.all().delete()
    again = copy_default(owner=alice, visibility="members", preferred_name="ana.png")
    assert again is not None
    assert again is not None
    assert again.file_name != "ana.png"


def test_deleting_all_empties_the_folder_and_only_that(
    bucket: Bucket,
    alice: User,
    bob: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    kept = make_picture(bob)
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, png(900, 600))
    named = {picture.key, kept.key, *keys(picture)}
    assert set(bucket.names()) == {f"{bucket.prefix}/{key}" for key in named}
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            delete_all(alice.pk)
        assert bucket.names() == [f"{bucket.prefix}/{kept.key}"]


@pytest.fixture
def shown(
    bucket: Bucket,
    alice: User,
    as_alice: Client,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> str:
    """Return the address under which the API shows Alice a thumbnail."""
    with django_capture_on_commit_callbacks(execute=True):
        make_picture(alice, png(900, 600))
    address: str = as_alice.get("/api/user/thumbnails/").json()[0]["thumbnail"]
    return address


def test_pictures_are_read_at_the_storage_itself(shown: str, bucket: Bucket, alice: User) -> None:
    assert shown.startswith(f"{bucket.server.endpoint_url}/{bucket.name}/{bucket.prefix}/users/")
    answer = requests.get(shown, timeout=20)
    sent = Thumbnail.objects.get(key__endswith=shown.partition("?")[0].rpartition("/")[2])
    assert (answer.status_code, len(answer.content)) == (200, sent.bytes)
    assert answer.headers["Content-Type"] == sent.content_type
    name = sent.key.rsplit("/", 1)[-1]
    assert answer.headers["Content-Disposition"] == f'inline; filename="{name}"'
    part = requests.get(shown, headers={"Range": "bytes=0-9"}, timeout=20)
    assert (part.status_code, part.content) == (206, answer.content[:10])


def test_a_browser_may_keep_a_picture_until_its_address_ends(
    shown: str, settings: Settings
) -> None:
    headers = requests.get(shown, timeout=20).headers
    assert headers["Cache-Control"] == "private, immutable"
    left = parsedate_to_datetime(headers["Expires"]).timestamp() - time.time()
    assert settings.MEDIA_URL_WINDOW - 60 <= left <= 2 * settings.MEDIA_URL_WINDOW


@pytest.mark.unhurried
@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: a[:-4] + ("aaaa" if not a.endswith("aaaa") else "bbbb"),
        lambda a: re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=604800", a),
        lambda a: a.replace("image%2F", "text%2F"),
        lambda a: a.replace("inline", "attachment"),
        lambda a: a.split("?")[0],
    ],
)
def test_an_address_that_was_tampered_with_is_refused(
    shown: str, spoil: Callable[[str], str]
) -> None:
    assert spoil(shown) != shown
    assert requests.get(spoil(shown), timeout=20).status_code == 403


def test_the_owners_address_has_the_storage_send_the_uploaders_name(
    bucket: Bucket, alice: User, as_alice: Client
) -> None:
    make_picture(alice, name='sueño "1".jpg')
    [found] = as_alice.get("/api/user/images/").json()
    response = requests.get(found["image"], timeout=20)
    assert response.status_code == 200
    shown = response.headers["Content-Disposition"]
    assert shown == "inline; filename*=utf-8''sue%C3%B1o%20%221%22.jpg"


def test_an_address_of_another_file_is_refused(shown: str, alice: User) -> None:
    place, query = shown.split("?")
    other = f"{place.rsplit('/', 1)[0]}/{Picture.objects.get().file_name}?{query}"
    assert requests.get(other, timeout=20).status_code == 403


def test_an_address_ends(bucket: Bucket, alice: User) -> None:
    key = make_picture(alice).key
    past = picture_storage.presigned_url(key, begins=int(time.time()) - 3600, seconds=3590)
    live = picture_storage.presigned_url(key, begins=int(time.time()) - 3600, seconds=7200)
    assert requests.get(past, timeout=20).status_code == 403
    assert requests.get(live, timeout=20).status_code == 200


def test_an_address_lives_for_one_to_two_windows_and_stays_within_one(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.MEDIA_URL_WINDOW = 1000
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000)
    first = signed_url("users/a/b.jpg")
    assert "X-Amz-Expires=2000" in first
    monkeypatch.setattr(time, "time", lambda: 1_800_000_999)
    assert signed_url("users/a/b.jpg") == first
    monkeypatch.setattr(time, "time", lambda: 1_800_001_000)
    assert signed_url("users/a/b.jpg") != first


def test_a_list_asks_nothing_of_the_storage(
    shown: str, bucket: Bucket, as_alice: Client, settings: Settings
) -> None:
    """Nobody listens at the storage's address, and the list is there all the same."""
    away = describe_storage("s3://pics?endpoint_url=http://127.0.0.1:1", bucket.keys)
    settings.STORAGES = {**settings.STORAGES, "default": away}
    settings.CACHE_SECONDS = 0
    answer = as_alice.get("/api/user/images/")
    assert answer.json()[0]["image"].startswith("http://127.0.0.1:1/pics/users/")


def test_browsers_may_know_the_storage_by_another_name(
    bucket: Bucket, as_alice: Client, alice: User, settings: Settings
) -> None:
    make_picture(alice)
    public = describe_storage(
        f"{bucket.url}&public_endpoint_url=https://files.example.org", bucket.keys
    )
    settings.STORAGES = {**settings.STORAGES, "default": public}
    address = as_alice.get("/api/user/images/").json()[0]["image"]
    assert address.startswith(f"https://files.example.org/{bucket.name}/")
    assert "https://files.example.org" in policy_of(as_alice)["img-src"].split()


def policy_of(client: Client) -> dict[str, str]:
    policy = client.get("/")["Content-Security-Policy"]
    return dict(rule.split(" ", 1) for rule in policy.split("; "))


def test_the_pages_may_show_pictures_from_the_storage(bucket: Bucket, as_alice: Client) -> None:
    assert policy_of(as_alice)["img-src"] == f"'self' blob: data: {bucket.server.endpoint_url}"


def test_the_admin_shows_pictures_from_the_storage(
    shown: str, bucket: Bucket, admin_client: Client
) -> None:
    page = admin_client.get("/admin/thumbnails/thumbnail/").content.decode()
    (found,) = re.findall(r'<img src="([^"]+)" alt="" height="64"', page)[:1]
    address = html.unescape(found)
    assert address.startswith(bucket.server.endpoint_url)
    assert requests.get(address, timeout=20).status_code == 200


def test_what_is_stored_says_what_it_is(bucket: Bucket, alice: User) -> None:
    picture = make_picture(alice, png(30, 20))
    client = bucket.server.client()
    stored = client.head_object(Bucket=bucket.name, Key=f"{bucket.prefix}/{picture.key}")
    assert stored["ContentType"] == "image/png"
    assert stored["ContentDisposition"] == f'inline; filename="{picture.file_name}"'


def test_what_is_none_of_our_formats_is_never_shown(bucket: Bucket) -> None:
    begins = int(time.time())
    address = picture_storage.presigned_url("users/a/page.html", begins=begins, seconds=60)
    assert "response-content-type=application%2Foctet-stream" in address
    assert "response-content-disposition=attachment" in address


@pytest.mark.unhurried
def test_a_storage_that_is_away_is_said_in_the_doors_words(
    bucket: Bucket,
    as_alice: Client,
    alice: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(views._PROBES, "storage", Probe(views._check_storage))  # never asked before
    picture = make_picture(alice)
    away = describe_storage("s3://pics?endpoint_url=http://127.0.0.1:1", bucket.keys)
    settings.STORAGES = {**settings.STORAGES, "default": away}
    answer = as_alice.get(f"/v1/image/{picture.uid}")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "storage" in Client().get("/readyz").json()["missing"]


@pytest.mark.parametrize("spoil", ["bucket_name", "secret_key"])
def test_a_bucket_that_is_not_ours_is_not_ready(
    bucket: Bucket, settings: Settings, spoil: str
) -> None:
    picture_storage.check()
    described = bucket.describe()
    described["OPTIONS"][spoil] = "another-one"
    settings.STORAGES = {**settings.STORAGES, "default": described}
    with pytest.raises(StorageAway):
        picture_storage.check()


def test_the_admin_may_show_pictures_from_the_storage(bucket: Bucket, admin_client: Client) -> None:
    policy = admin_client.get("/admin/")["Content-Security-Policy"]
    images = next(rule for rule in policy.split("; ") if rule.startswith("img-src"))
    assert images == f"img-src 'self' blob: data: {bucket.server.endpoint_url}"
