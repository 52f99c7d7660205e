"""What a person does on the gallery page."""

import io
import re
import threading

import pytest
import requests
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.gallery.browsing import (
    MARKS,
    Service,
    choose_files,
    label_of,
    open_gallery,
    photo,
    sign_in,
)
from tests.pictures import encode, waves

pytestmark = MARKS
MOVE = """
from accounts.models import User
from accounts.services import move_to_tier
from tiers.models import Tier
move_to_tier(User.objects.get(username={login!r}), Tier.objects.get(name={tier!r}))
"""
ACCENT = (0x94, 0x43, 0x1A)  # --accent of the light scheme
WATCH_SHIFTS = """() => {
    window.shifted = 0;
    new PerformanceObserver((list) => {
        for (const { value, hadRecentInput } of list.getEntries())
            if (!hadRecentInput) shifted += value;
    }).observe({ type: "layout-shift" });
}"""


@pytest.mark.parametrize(
    ("locale", "wrong_login", "not_a_picture", "copied"),
    [
        ("en-US", "Login or password is wrong.", "This is not a picture.", "Copied"),
        pytest.param(
            *("es-ES", "Usuario o contraseña incorrectos.", "Esto no es una imagen.", "Copiado"),
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_picture_is_uploaded_viewed_linked_and_deleted(
    service: Service, page: Page, wrong_login: str, not_a_picture: str, copied: str
) -> None:
    login = service.create_account("Enterprise")
    sign_in(page, login, "wrong")
    expect(page.locator("#sign-in .problem")).to_have_text(wrong_login)
    sign_in(page, login)
    expect(page.locator("#gallery.empty")).to_be_visible()

    choose_files(page, good=photo(), bad=b"not a picture")
    expect(page.locator("#uploads .failed .status")).to_have_text(not_a_picture)
    expect(page.locator("#pictures img")).to_have_count(1)

    page.locator("#pictures button").click()
    expect(page.locator("#viewer img")).to_have_js_property("naturalWidth", 900)
    page.locator("#viewer [data-action=link]").click()
    page.locator("#make-link button.primary").click()
    expect(page.locator("#link-url")).to_have_value(re.compile(r"^http://localhost:\d+/l/\S+$"))
    address = page.locator("#link-url").input_value()
    page.locator("#make-link [data-action=copy]").click()
    expect(page.locator("#make-link [data-action=copy] span")).to_have_text(copied)
    assert page.evaluate("() => navigator.clipboard.readText()") == address
    assert requests.get(address, timeout=10).headers["Content-Type"] == "image/jpeg"

    page.keyboard.press("Escape")
    page.locator("#viewer [data-action=delete]").click()
    expect(page.locator("#gallery.empty")).to_be_visible()
    assert requests.get(address, timeout=10).status_code == 200
    # Who leaves no longer undoes it.
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert requests.get(address, timeout=10).status_code == 410
    page.reload()
    expect(page.locator("#sign-in")).to_be_visible()


def test_a_deletion_in_the_viewer_is_undone_there_or_sent_after_ten_seconds(
    service: Service, page: Page
) -> None:
    login = service.create_account("Basic")
    service.upload(login, photo(), photo(600, 400), photo(400, 600))
    open_gallery(page, login)
    sent: list[str] = []
    page.on("request", lambda each: sent.append(f"{each.method} {each.url}"))
    page.locator("#pictures button").first.click()
    expect(page).to_have_url(re.compile(r"/p/\d+$"))
    first = page.url
    page.locator("#viewer [data-action=delete]").click()
    expect(page).not_to_have_url(first)
    page.keyboard.press("Delete")
    undo = page.locator("#viewer #undo")
    expect(undo.locator("[role=status]")).to_have_text("Pictures deleted: 2")
    undo.get_by_role("button").click()
    page.mouse.move(0, 0)  # over it, the time would not run
    expect(undo).to_be_hidden()
    expect(page.locator("#viewer")).to_be_visible()
    page.keyboard.press("Delete")
    page.keyboard.press("Escape")
    expect(page.locator("#undo")).to_be_visible()
    expect(page.locator("#pictures li")).to_have_count(2)
    assert [each for each in sent if "delete" in each] == [], "nothing is sent yet"
    expect(page.locator("#undo")).to_be_hidden()
    expect(page.locator("#pictures li")).to_have_count(2)
    assert [each for each in sent if "delete" in each] == [
        f"POST {service.url}/api/user/images/delete/"
    ]


def test_a_deletion_that_fails_says_so_and_brings_the_picture_back(
    service: Service, page: Page
) -> None:
    login = service.create_account("Basic")
    service.upload(login, photo())
    open_gallery(page, login)
    page.route("**/images/delete/", lambda route: route.abort())
    page.locator("#pictures button").press("Delete")
    expect(page.locator("#gallery.empty")).to_be_visible()
    expect(page.locator("#undo [role=status]")).to_have_text("No connection: nothing was deleted.")
    expect(page.locator("#undo button")).to_be_hidden()
    expect(page.locator("#pictures li")).to_have_count(1)


def test_a_tier_without_links_and_originals_offers_neither(service: Service, page: Page) -> None:
    login = service.create_account("Basic")
    open_gallery(page, login)
    choose_files(page, only=photo())
    expect(page.locator("#pictures img")).to_have_count(1)
    page.locator("#pictures button").click()
    expect(page.locator("#viewer img")).to_have_js_property("naturalHeight", 200)
    expect(page.locator("#original")).to_be_hidden()
    expect(page.locator("#viewer [data-action=link]")).to_be_hidden()
    page.goto(f"{page.url}/links")
    expect(page.locator("#no-links")).to_have_text("Your plan makes no links.")
    expect(page.locator("#make-link")).to_be_hidden()


def test_a_custom_link_time_must_be_within_the_limits_and_links_are_offered_as_the_plan_is_now(
    service: Service, page: Page
) -> None:
    login = service.create_account("Enterprise")
    service.upload(login, photo())
    open_gallery(page, login)
    page.locator("#pictures button").click()
    offer = page.locator("#viewer [data-action=link]")
    offer.click()
    page.get_by_label("Other").check()
    minutes = page.locator("[name=minutes]")
    minutes.fill("501")
    page.locator("#make-link button.primary").click()
    assert minutes.evaluate("field => field.validity.rangeOverflow")
    minutes.fill("500")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.locator("#make-link button.primary").click()
    assert (sent.value.post_data_json or {})["expires_in"] == 30_000
    expect(page.locator("#link-url")).not_to_have_value("")
    page.keyboard.press("Escape")

    service.run_program(MOVE.format(login=login, tier="Basic"))
    offer.click()
    expect(page.locator("#no-links")).to_be_visible()
    expect(page.locator("#make-link")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(offer).to_be_hidden()


def test_an_original_that_browsers_cannot_show_is_replaced_by_its_thumbnail(
    service: Service, page: Page
) -> None:
    login = service.create_account("Premium")
    service.upload(login, encode(waves(900, 600), "TIFF"))
    open_gallery(page, login)
    expect(page.locator("#pictures img")).to_have_count(1)
    page.locator("#pictures button").click()
    expect(page.locator("#viewer img")).to_have_js_property("naturalHeight", 400)
    expect(page.locator("#viewer img")).not_to_have_class("preview")
    expect(page.locator("#original")).to_be_visible()


def test_everything_can_be_done_with_the_keyboard(service: Service, page: Page) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo(600, 400), photo(400, 600))
    open_gallery(page, login)
    expect(page.locator("#heading")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    older = page.locator("#pictures button").nth(1)
    expect(older).to_be_focused()
    expect(older.locator("img")).to_have_js_property("complete", value=True)
    seen = Image.open(io.BytesIO(older.screenshot())).convert("RGB")
    assert seen.getpixel((1, seen.height // 2)) == ACCENT, "the focus is seen, also on a picture"
    page.keyboard.press("Enter")
    expect(page.locator("#viewer-title")).to_have_text(label_of(older))
    page.keyboard.press("ArrowLeft")
    newer = page.locator("#pictures button").nth(0)
    expect(page.locator("#viewer-title")).to_have_text(label_of(newer))
    page.keyboard.press("Escape")
    expect(newer).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Delete")
    expect(page.locator("#pictures li")).to_have_count(1)


def test_older_pictures_are_loaded_while_scrolling_though_thumbnails_are_slow(
    service: Service, page: Page
) -> None:
    login, held, is_released = service.create_account("Premium"), [], threading.Event()

    def hold(route: Route) -> None:
        route.continue_() if is_released.is_set() else held.append(route)

    service.upload(login, *[encode(waves(30, 20), "PNG")] * 65)
    page.route("**/images/users/**", hold)
    page.evaluate(WATCH_SHIFTS)
    open_gallery(page, login)
    tiles = page.locator("#pictures li")
    expect(tiles.first).to_have_attribute("aria-setsize", "-1")
    page.locator("#more").scroll_into_view_if_needed()
    expect(page.locator("#more")).to_be_hidden()
    page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    expect(tiles.last).to_have_attribute("aria-posinset", "65")
    expect(tiles.last).to_have_attribute("aria-setsize", "65")
    assert tiles.count() < 65, "what is far from the screen is not drawn"
    is_released.set()
    for route in held:
        route.continue_()
    expect(page.locator("#pictures li.pending")).to_have_count(0, timeout=30_000)
    assert page.evaluate("() => shifted") <= 0.02


def test_what_is_scrolled_past_is_a_colour_until_the_page_rests_whatever_arrives_meanwhile(
    service: Service, page: Page
) -> None:
    login = service.create_account("Premium")
    service.upload(login, *[encode(waves(30, 20), "PNG")] * 24)
    open_gallery(page, login)
    tiles, bare = page.locator("#pictures li"), page.locator("#pictures li:not(:has(button))")
    expect(tiles.first.locator("img")).to_have_js_property("complete", value=True)
    expect(bare).to_have_count(0)
    # Nothing takes time, and no time passes.
    page.evaluate("""() => {
        const [held, later, never] = [[], setTimeout, clearTimeout];
        performance.now = () => 0;
        setTimeout = (run, _wait, ...values) => held.push(() => run(...values));
        clearTimeout = (timer) => void (held[timer - 1] = () => {});
        window.goOn = () => {
            [setTimeout, clearTimeout] = [later, never];
            held.forEach((run) => run());
        };
        scrollTo(0, 900);
    }""")
    expect(bare).not_to_have_count(0)
    height = page.locator("#pictures").evaluate("list => list.style.height")
    service.upload(login, encode(waves(30, 20), "PNG"))
    expect(page.locator("#pictures")).not_to_have_attribute("style", re.compile(height))
    expect(bare).not_to_have_count(0)
    page.evaluate("() => goOn()")
    expect(bare).to_have_count(0)
    expect(tiles.last.get_by_role("button")).to_have_accessible_name(re.compile("."))


def test_a_file_is_uploaded_by_a_drop_without_a_connection_and_once_signed_in_again(
    service: Service, page: Page
) -> None:
    login = service.create_account("Premium")
    open_gallery(page, login)
    content = list(encode(waves(30, 20), "PNG"))
    page.evaluate(
        """bytes => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
            for (const type of ["dragover", "drop"])
                document.body.dispatchEvent(
                    new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        content,
    )
    expect(page.locator("#pictures img")).to_have_count(1)
    expect(page.locator("#drop-overlay")).to_be_hidden()
    expect(page.locator("#uploads")).to_be_hidden()

    # It waits for the connection, and goes on by itself.
    page.context.set_offline(True)
    choose_files(page, unlucky=photo())
    expect(page.locator("#uploads .status")).to_have_text("Waiting for the connection …")
    expect(page.locator("#offline")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#pictures img")).to_have_count(2)
    expect(page.locator("#uploads")).to_be_hidden()
    expect(page.locator("#offline")).to_be_hidden()

    # A session that has ended leads to the sign-in form.
    page.context.clear_cookies()
    choose_files(page, late=photo(300, 200))
    expect(page.locator("#sign-in .problem")).to_have_text("Your session has ended. Sign in again.")
    page.reload()
    expect(page.locator("#sign-in .problem")).to_be_hidden()


def test_a_throttled_sign_in_shows_the_seconds_to_wait(page: Page) -> None:
    problem = page.locator("#sign-in .problem")
    for _ in range(5):
        sign_in(page, "nobody", "wrong")
        expect(problem).to_have_text("Login or password is wrong.")
    sign_in(page, "nobody", "wrong")
    expect(problem).to_have_text(re.compile(r"^Too many attempts\. Try again in \d+ seconds\.$"))


def test_the_page_recovers_when_the_server_is_back(service: Service, page: Page) -> None:
    page.route("**/api/user/**", lambda route: route.abort())
    page.reload()
    banner = page.locator("#offline")
    expect(banner).to_have_text("No connection. What waits goes on by itself when it is back.")
    page.unroute("**/api/user/**")
    expect(page.locator("#sign-in")).to_be_visible(timeout=15_000)
    expect(banner).to_be_hidden()


def test_the_language_can_be_chosen_and_an_unknown_url_shows_an_error_page(
    service: Service, page: Page
) -> None:
    page.locator(".languages [value=es]").click()
    expect(page.locator("#sign-in h1")).to_have_text("Entrar")
    page.goto(f"{page.url}links")
    page.locator(".languages [value=en]").click()
    expect(page.locator("#sign-in h1")).to_have_text("Sign in")
    expect(page).to_have_url(re.compile("/links/?$"))
    for path in ("l/nonsense", "images/nonsense", "nowhere"):
        answer = page.goto(f"{service.url}/{path}")
        assert answer is not None, path
        assert answer.status == 404, path
        expect(page.locator("main h1")).to_be_visible()


def test_no_page_scrolls_sideways(service: Service, page: Page) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo(1200, 100), photo(100, 1200), photo())
    for step in ("sign-in", "pictures"):
        for width in (320, 390, 1600):
            page.set_viewport_size({"width": width, "height": 800})
            # The page is laid out anew with the next frame.
            fits = f"() => document.documentElement.scrollWidth <= {width}"
            page.wait_for_function(fits, timeout=5_000)
        if step == "sign-in":
            open_gallery(page, login)
            expect(page.locator("#pictures img")).to_have_count(3)
