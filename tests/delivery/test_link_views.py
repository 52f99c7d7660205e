"""Links that ask first: their page, its button, the pass that it gives, and passwords."""

import re
import secrets
import time
from collections.abc import Iterator

import pytest
from django.test import override_settings
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts import throttling
from accounts.hashing_queue import Trust
from accounts.models import User
from images.link_visits import VISIT_LIFETIME, delete_past_visits
from images.links import LinkToken, make_link, write_token
from images.models import Link, LinkVisit, Picture
from images.signed_urls import signed_path
from images.storage.base import picture_storage
from tests.clients import Client, Response
from tests.factories import make_picture
from tests.pictures import jpeg, png

pytestmark = pytest.mark.django_db
PASSWORD = "the name of our boat"


@pytest.fixture
def picture(alice: User) -> Picture:
    return make_picture(alice, png(30, 20), description="A hill at dawn")


def link_to(picture: Picture, **options: object) -> str:
    link, _ = make_link(maker=picture.owner, picture=picture, seconds=300, **options)  # type: ignore[arg-type]  # what the test names
    return f"/l/{write_token(LinkToken(link.pk))}"


def visit_in(response: Response) -> str:
    found = re.search(r'name="visit" value="([0-9a-f-]{36})"', response.content.decode())
    assert found
    return found[1]


def opened() -> int:
    return Link.objects.values_list("opened", flat=True).get()


def test_the_page_tells_what_is_behind_it_and_spends_nothing(
    browser: Client,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(600, 400), description="A hill <at> dawn")
    response = browser.get(link_to(picture, max_opens=2))
    page = response.content.decode()
    assert response.status_code == 200
    assert "A hill &lt;at&gt; dawn" in page
    assert "600 × 400" in page
    assert 'src="data:image/png;base64,' in page
    assert "2 more times" in page
    assert "<script" not in page
    assert response["Cache-Control"] == "no-store"
    assert "form-action 'self'" in response["Content-Security-Policy"]
    assert "img-src 'self' blob: data:" in response["Content-Security-Policy"]
    assert not response.cookies
    assert opened() == 0


def test_a_picture_without_description_goes_by_our_own_name(browser: Client, alice: User) -> None:
    picture = make_picture(alice)
    assert picture.file_name in browser.get(link_to(picture, max_opens=1)).content.decode()


def test_the_page_is_in_the_visitors_language(browser: Client, picture: Picture) -> None:
    address = link_to(picture, max_opens=1)
    page = browser.get(address, headers={"Accept-Language": "es"}).content.decode()
    assert "Ver la imagen" in page
    assert "1 vez más, durante 60 segundos" in page
    translation.activate("en")


def test_the_button_spends_one_opening_and_redirects_to_the_bytes(
    browser: Client, picture: Picture
) -> None:
    address = link_to(picture, max_opens=1)
    response = browser.post(address, {"visit": visit_in(browser.get(address))})
    assert (response.status_code, response["Location"]) == (303, address)
    assert response["Cache-Control"] == "no-store"
    [cookie] = response.cookies.values()
    assert (cookie["max-age"], cookie["path"]) == (60, address)
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert opened() == 1
    got = browser.get(address)
    assert (got.status_code, got.getvalue()) == (200, png(30, 20))
    assert got["Cache-Control"] == "private, no-store"
    assert browser.head(address)["Content-Length"] == str(len(png(30, 20)))
    assert browser.get(address, headers={"Range": "bytes=1-3"}).status_code == 206
    assert browser.post(address).status_code == 303
    assert Client().get(address).status_code == 410
    assert Client().post(address).status_code == 410
    assert opened() == 1


def test_the_button_needs_no_cookie_of_ours_and_no_csrf_token(picture: Picture) -> None:
    """Django's client checks it only where it is told to."""
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(
        link_to(picture, max_opens=1),
        headers={"Origin": "https://chat.example", "Sec-Fetch-Site": "cross-site"},
    )
    assert response.status_code == 303


def test_the_pass_of_one_link_opens_no_other(browser: Client, picture: Picture) -> None:
    first, second = link_to(picture, max_opens=1), link_to(picture, password=PASSWORD)
    browser.post(first)
    # Browsers send it to its path alone; this client sends it everywhere.
    assert browser.get(second)["Content-Type"].startswith("text/html")


@override_settings(TOKEN_COOKIES_SECURE=True)
def test_over_https_the_pass_is_for_https_alone(browser: Client, picture: Picture) -> None:
    [cookie] = browser.post(link_to(picture, max_opens=1)).cookies.values()
    assert cookie.key == "__Secure-link-pass"
    assert cookie["secure"]


def test_the_same_visit_spends_one_opening_however_often_its_button_is_pressed(
    browser: Client, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice in a row, or again because the answer was lost on its way."""
    address = link_to(picture, max_opens=2, password=PASSWORD)
    form = {"visit": visit_in(browser.get(address)), "password": PASSWORD}
    for _ in range(3):
        assert Client().post(address, form).status_code == 303
    assert opened() == 1
    later = timezone.now() + VISIT_LIFETIME
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert Client().post(address, form).status_code == 303
    assert opened() == 2
    assert Client().post(address, form).status_code == 303
    assert Client().post(address, {"password": PASSWORD}).status_code == 410
    assert delete_past_visits() == 0
    later += VISIT_LIFETIME * 1.1
    assert delete_past_visits() == 1
    assert not LinkVisit.objects.exists()


@pytest.mark.parametrize("end", ["revoked", "expired", "deleted", "grant"])
def test_whoever_has_a_pass_gets_nothing_once_the_link_is_over(
    browser: Client, alice: User, picture: Picture, end: str
) -> None:
    address = link_to(picture, max_opens=5)
    browser.post(address)
    if end == "revoked":
        Link.objects.all().revoke()
    elif end == "expired":
        Link.objects.update(expires_at=timezone.now())
    elif end == "deleted":
        picture.delete()
    else:
        alice.tier.grants_links = False
        alice.tier.save()
    assert browser.get(address).status_code == 410
    assert browser.post(address).status_code == 410


def test_the_page_says_how_many_openings_are_left(picture: Picture) -> None:
    address = link_to(picture, max_opens=3)
    for left in ("3 more times, for 60 seconds each", "2 more times", "1 more time, for 60 second"):
        page = Client().get(address).content.decode()
        assert f"It can be shown {left}" in page
        assert Client().post(address).status_code == 303
    assert Client().get(address).status_code == 410


def test_a_link_that_asks_nothing_counts_what_was_sent_of_it(
    browser: Client, picture: Picture
) -> None:
    address = link_to(picture)
    assert browser.head(address).status_code == 200
    assert opened() == 0
    for count in (1, 2):
        assert browser.get(address).status_code == 200
        assert opened() == count
    assert browser.post(address).status_code == 405
    assert opened() == 2


def test_a_link_whose_file_is_lost_is_gone_and_spends_nothing(
    browser: Client, picture: Picture
) -> None:
    plain, paged = link_to(picture), link_to(picture, max_opens=1)
    assert browser.post(paged).status_code == 303
    picture.refresh_from_db()
    picture_storage.delete_many([picture.key, picture.clean_key])
    for address in (plain, paged):
        response = browser.get(address)
        assert response.status_code == 410
        assert "This picture cannot be shown" in response.content.decode()
    assert not Link.objects.filter(max_opens=None, opened__gt=0).exists()


def test_one_address_opens_so_many_links_a_minute_whichever_they_are(
    picture: Picture, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LINK_OPENINGS_PER_MINUTE = 2
    now = time.time()
    # Within one minute of the counters, and of addresses that nobody has used in it.
    monkeypatch.setattr(time, "time", lambda: now)
    one, another = (f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1" for _ in range(2))
    plain, paged = link_to(picture), link_to(picture, max_opens=1)
    client = Client(REMOTE_ADDR=one)
    assert [client.get(each).status_code for each in (plain, paged, plain)] == [200, 200, 429]
    response = client.post(paged)
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert Client(REMOTE_ADDR=another).post(paged).status_code == 303


def test_what_cannot_be_served_yet_spends_nothing(browser: Client, alice: User) -> None:
    alice.tier.grants_original = False
    alice.tier.save()
    address = link_to(make_picture(alice), max_opens=1)
    assert browser.get(address).status_code == 503
    assert browser.post(address).status_code == 503
    assert opened() == 0


def test_pressing_the_button_takes_few_queries(
    browser: Client, picture: Picture, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = link_to(picture, max_opens=9)
    Client().post(address)  # which strips the picture
    visit = visit_in(browser.get(address))
    # With the transaction and the two savepoints in which Django inserts a visit.
    with django_assert_max_num_queries(9):
        browser.post(address, {"visit": visit})
    with django_assert_max_num_queries(1):
        browser.get(address)


# --- Passwords ----------------------------------------------------------------------------------


def test_a_password_is_asked_and_shows_nothing_before(
    browser: Client,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(600, 400), description="A hill at dawn")
    address = link_to(picture, password=PASSWORD)
    page = browser.get(address).content.decode()
    assert 'type="password"' in page
    assert "A hill" not in page
    assert "data:image" not in page
    assert browser.post(address, {"password": "wrong"}).status_code == 403
    assert browser.post(address).status_code == 403
    assert opened() == 0
    # The same letters from another keyboard.
    wide = PASSWORD.replace("b", "\N{FULLWIDTH LATIN SMALL LETTER B}")
    assert browser.post(address, {"password": wide}).status_code == 303
    assert browser.get(address).status_code == 200
    assert opened() == 1


def test_a_password_is_kept_as_a_hash(picture: Picture, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashers.OwaspArgon2Hasher"]
    address = link_to(picture, password=PASSWORD)
    assert Link.objects.get().password.startswith("argon2$argon2id$")
    assert Client().post(address, {"password": PASSWORD}).status_code == 303


def test_guesses_are_throttled_by_link_and_network_and_by_address(
    alice: User, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(address: str, client: str, password: str) -> int:
        browser = Client(REMOTE_ADDR=client)
        return browser.post(address, {"password": password}).status_code

    first, second, third = (link_to(picture, password=PASSWORD) for _ in range(3))
    # What is left out is no guess.
    assert [post(first, "192.0.2.1", "") for _ in range(6)] == [403] * 6
    assert [post(first, "192.0.2.1", "x") for _ in range(6)] == [403] * 5 + [429]
    assert post(first, "192.0.2.77", PASSWORD) == 429
    assert post(first, "198.51.100.1", PASSWORD) == 303
    assert [post(second, "192.0.2.1", "x") for _ in range(5)] == [403] * 5
    assert post(third, "192.0.2.1", PASSWORD) == 429
    # What is right counts for nothing.
    assert [post(third, "203.0.113.5", PASSWORD) for _ in range(12)] == [303] * 12


@pytest.fixture
def _all_seats_taken() -> Iterator[None]:
    seats = throttling._link_seats
    taken = [each for trust, count in ((Trust.CLEAN, 2), (Trust.OTHER, 1))
             for each in [seats[trust]] * count]  # fmt: skip
    for seat in taken:
        assert seat.acquire(blocking=False)
    yield
    for seat in taken:
        seat.release()


@pytest.mark.usefixtures("_all_seats_taken")
def test_a_flood_of_guesses_keeps_no_more_threads_and_counts_for_nobody(
    browser: Client, picture: Picture
) -> None:
    address = link_to(picture, password=PASSWORD)
    for _ in range(8):
        response = browser.post(address, {"password": PASSWORD})
        assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert browser.get(address).status_code == 200


# --- What browsers and CDNs keep ----------------------------------------------------------------


def test_bytes_may_be_kept_for_as_long_as_the_owner_says(browser: Client, picture: Picture) -> None:
    assert browser.get(link_to(picture))["Cache-Control"] == "private, no-cache"
    address = link_to(picture, cache_seconds=30)
    assert browser.get(address)["Cache-Control"] == "public, max-age=30, must-revalidate"
    Link.objects.update(expires_at=timezone.now() + VISIT_LIFETIME / 4)
    assert re.search(r"max-age=1[45],", browser.get(address)["Cache-Control"])


# --- Search engines -----------------------------------------------------------------------------


def test_search_engines_may_ask_for_all_and_keep_nothing_of_links_and_signatures(
    browser: Client, picture: Picture
) -> None:
    robots = browser.get("/robots.txt")
    assert robots.content.decode().split("\n") == ["User-agent: *", "Allow: /", ""]
    page, plain = link_to(picture, max_opens=1), link_to(picture)
    secret = [page, plain, "/l/nonsense", signed_path(picture.key), "/images/x?signature=forged"]
    for address in secret:
        for response in (browser.get(address), browser.head(address), browser.post(address)):
            assert response["X-Robots-Tag"] == "noindex, noarchive", address
    assert "X-Robots-Tag" not in browser.get(f"/images/{picture.key}").headers
    assert "X-Robots-Tag" not in browser.get("/images/default/default.png").headers
