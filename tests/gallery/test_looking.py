"""One picture: which of its files is loaded, how it is zoomed, and what is said where it failed."""

import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.gallery.browsing import MARKS, Service, new_address, open_gallery, photo
from tests.waiting import until

pytestmark = MARKS
SET_HEIGHTS = """
from tiers.models import Tier
from tiers.services import set_heights
set_heights(tier=Tier.objects.get(name="Premium"), heights={heights})
"""
# As a worker leaves it after its last attempt.
SET_ASIDE = """
from django.db import transaction
from images.models import Picture
from thumbnails.claims import mark_failed
with transaction.atomic():
    picture = Picture.objects.get(owner__username={login!r})
    picture.thumbnails.all().delete()
    Picture.objects.filter(pk=picture.pk).update(rendering="pending")
    mark_failed(picture, "Its file is missing.")
"""
# Two minutes, on either side of midnight in India.
DATE = """
from images.models import Picture
pictures = Picture.objects.filter(owner__username={login!r})
pictures.update(created_at="2026-11-29T18:29:30Z")
last = pictures.latest("pk")
Picture.objects.filter(pk=last.pk).update(created_at="2026-11-29T18:30:30Z")
"""


def path_of(url: str) -> str:
    """Leave out the signature, which each answer makes anew."""
    return urlsplit(url).path


def requests_of(page: Page) -> list[str]:
    """Return the paths that it asks for from now on, as a list that grows."""
    paths: list[str] = []
    page.on("request", lambda request: paths.append(path_of(request.url)))
    return paths


@pytest.fixture
def premium_as_before(service: Service) -> Iterator[None]:
    """Give the tier its heights back, which the service of other tests has too."""
    yield
    service.run_program(SET_HEIGHTS.format(heights=[200, 400]))


@pytest.mark.usefixtures("premium_as_before")
def test_a_tile_loads_the_thumbnail_that_fits_it_whatever_heights_the_tier_gains(
    service: Service, browser: Browser
) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo(1230, 820))
    service.run_program(SET_HEIGHTS.format(heights=[50, 200, 400, 800]))
    heights: dict[str, int] = {}
    with service.open_session(login) as session:
        while sorted(heights.values()) != [50, 200, 400, 800]:
            time.sleep(0.2)  # pytest-timeout ends it
            [row] = session.get(
                f"{service.url}/api/user/images/?fields=thumbnails", timeout=10
            ).json()
            heights = {path_of(each["url"]): each["height"] for each in row["thumbnails"]}
    for density, wanted in ((1, 200), (2, 400), (3, 800)):
        context = browser.new_context(
            device_scale_factor=density, viewport={"width": 1000, "height": 700},
            extra_http_headers=new_address(),
        )  # fmt: skip
        page = context.new_page()
        loaded = requests_of(page)
        page.goto(service.url)
        open_gallery(page, login)
        image = page.locator("#pictures img")
        expect(image).to_have_js_property("complete", value=True)
        expect(image).not_to_have_js_property("naturalWidth", 0)
        assert [heights[path] for path in loaded if path in heights] == [wanted], density
        context.close()


def test_a_day_begins_at_midnight_where_the_reader_is(service: Service, browser: Browser) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo(), photo(600, 400))
    service.run_program(DATE.format(login=login))
    for zone, dates in (("Asia/Kolkata", ["today", "yesterday"]), ("UTC", ["yesterday"])):
        context = browser.new_context(
            timezone_id=zone, locale="en-GB", extra_http_headers=new_address()
        )
        page = context.new_page()
        page.clock.set_fixed_time("2026-11-30T12:00:00Z")
        page.goto(service.url)
        open_gallery(page, login)
        expect(page.locator("#pictures h2")).to_have_text(dates)
        context.close()


def touch(
    session: CDPSession, kind: str, *points: tuple[int, int], at: float | None = None
) -> None:
    places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    moment = {} if at is None else {"timestamp": at}
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places, **moment})


def test_two_fingers_zoom_one_moves_and_a_swipe_shows_the_next(
    service: Service, page: Page
) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo(600, 400), photo(900, 600))
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    open_gallery(page, login)
    page.locator("#pictures button").first.click()
    stage, image = page.locator(".stage"), page.locator(".stage img")
    expect(page.locator(".stage img[src]:not(.preview)")).to_be_visible()

    touch(session, "touchStart", (450, 350), (550, 350))
    touch(session, "touchMove", (400, 350), (600, 350))
    touch(session, "touchMove", (350, 350), (650, 350))
    touch(session, "touchEnd")
    expect(stage).to_have_class(re.compile("zoomed"))
    transform = image.evaluate("each => new DOMMatrix(getComputedStyle(each).transform)")
    assert transform["a"] == pytest.approx(3, rel=0.05)

    touch(session, "touchStart", (500, 350))
    touch(session, "touchMove", (430, 320))
    touch(session, "touchEnd")
    moved = image.evaluate("each => new DOMMatrix(getComputedStyle(each).transform)")
    assert moved["e"] == pytest.approx(transform["e"] - 70, abs=2)
    assert moved["a"] == transform["a"]
    expect(image).to_have_js_property("naturalWidth", 900)

    touch(session, "touchStart", (400, 350), (600, 350))
    touch(session, "touchMove", (490, 350), (510, 350))
    touch(session, "touchEnd")
    expect(stage).not_to_have_class(re.compile("zoomed"))
    # By their own clock, since a busy machine takes longer than two taps may lie apart.
    for tap in (time.time(), time.time() + 0.2):
        touch(session, "touchStart", (500, 350), at=tap)
        touch(session, "touchEnd", at=tap + 0.02)
    expect(stage).to_have_class(re.compile("zoomed"))
    page.keyboard.press("0")
    before = page.url
    touch(session, "touchStart", (600, 350))
    touch(session, "touchMove", (400, 350))
    touch(session, "touchEnd")
    expect(page).not_to_have_url(before)


@pytest.mark.parametrize(
    ("locale", "reason", "advice"),
    [
        ("en-GB", "Its file is missing.", "The original is kept. Download it, or upload it"),
        pytest.param("es-MX", "Falta su archivo.", "Descárguelo", marks=pytest.mark.nightly),
    ],
)
def test_a_failed_picture_says_why_and_what_can_be_done(
    service: Service, page: Page, reason: str, advice: str
) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo())
    open_gallery(page, login)
    expect(page.locator("#pictures img")).to_have_count(1)
    service.run_program(SET_ASIDE.format(login=login))
    page.route("**/images/users/**", lambda route: route.abort())

    def has_no_preview() -> bool:
        page.reload()
        page.locator("#pictures li").wait_for()
        said = page.locator("#pictures li span").inner_text()
        return bool(re.match("No preview|Sin vista", said))

    # Another process changed it: the web process hears so a moment later.
    until(has_no_preview, 30, lambda: "a preview is shown", interval=0.5)
    page.locator("#pictures button").click()
    for place in (".stage .problem", "#details .problem"):
        expect(page.locator(place)).to_contain_text(reason)
        expect(page.locator(place)).to_contain_text(advice)
        page.keyboard.press("i")


def test_without_a_connection_a_reload_shows_a_calm_page_that_comes_back_by_itself(
    service: Service, page: Page
) -> None:
    page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    page.reload()
    login = service.create_account("Premium")
    service.upload(login, photo())
    open_gallery(page, login)
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    assert page.evaluate("() => caches.keys()") == []
    page.context.set_offline(False)
    expect(page.locator("#pictures li")).to_have_count(1, timeout=20_000)


def test_on_a_slow_connection_the_viewer_waits_for_nothing(service: Service, page: Page) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo())
    with page.expect_request(re.compile("/static/js/viewer.*js")) as viewer:
        open_gallery(page, login)
    image = page.locator("#pictures img")
    expect(image).not_to_have_js_property("naturalWidth", 0)
    # The script with all that it imports, which the browser begins to load when it has the script.
    page.evaluate("url => import(url).then(() => null)", viewer.value.url)
    # From here on nothing arrives.
    page.route("**/*", lambda route: None)
    shown = image.evaluate("each => each.currentSrc")
    page.locator("#pictures button").click()
    expect(page.locator("#viewer .stage img.preview")).to_have_attribute("src", shown)
