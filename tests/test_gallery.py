"""The gallery in a real browser, against the processes of `./dev run`."""

import itertools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests
from playwright.sync_api import (
    Browser,
    FilePayload,
    Locator,
    Page,
    Route,
    expect,
    sync_playwright,
)

from tests.pictures import encode, waves
from tests.processes import PASSWORD, ROOT, dev_run, is_ready, until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    # Playwright's own event loop leaves its pipes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
MAKE_ACCOUNT = """
from accounts.models import User
from tiers.models import Tier
User.objects.create_user({login!r}, {password!r}, tier=Tier.objects.get(name={tier!r}))
"""


# How often one address may sign in is not what is tested here: each client has one of its own.
BEHIND_A_PROXY = {"TRUSTED_PROXIES": "1"}
_numbers = itertools.count(1)


def from_elsewhere() -> dict[str, str]:
    """Return what a proxy says of a client that was never seen before."""
    return {"X-Forwarded-For": str(IPv4Address("10.0.0.0") + next(_numbers))}


@dataclass
class Service:
    """A running service, and people who have an account there."""

    url: str
    data_dir: Path
    accounts: int = 0

    def account(self, tier: str) -> str:
        """Make an account and return its login; its password is PASSWORD."""
        self.accounts += 1
        login = f"{tier.lower()}{self.accounts}"
        program = MAKE_ACCOUNT.format(login=login, password=PASSWORD, tier=tier)
        env = os.environ | {"LOCAL": "on", "DATA_DIR": str(self.data_dir), "DATABASE_URL": ""}
        env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", program]
        subprocess.run(command, cwd=ROOT, env=env, check=True)
        return login

    def cookies(self, login: str) -> requests.Session:
        """Sign in as a client without a page does."""
        session = requests.Session()
        session.headers.update(from_elsewhere())
        body = {"username": login, "password": PASSWORD}
        session.post(f"{self.url}/api/user/jwt-login/", json=body, timeout=10).raise_for_status()
        return session

    def upload(self, login: str, *contents: bytes) -> None:
        """Upload pictures, the oldest first."""
        with self.cookies(login) as session:
            for content in contents:
                answer = session.post(
                    f"{self.url}/api/user/images/", files={"image": content}, timeout=20
                )
                assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    data_dir = tmp_path_factory.mktemp("gallery") / "data"
    with dev_run(data_dir, **BEHIND_A_PROXY) as running:
        until(lambda: is_ready(running), 60, running)
        yield Service(running.url, data_dir)


@pytest.fixture(scope="module")
def browser(chromium_program: str) -> Iterator[Browser]:
    expect.set_options(timeout=20_000)  # the machine may be busy
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_program, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def locale() -> str:
    return "en-US"


@pytest.fixture
def page(service: Service, browser: Browser, locale: str) -> Iterator[Page]:
    """The gallery; whatever a test does there, no script fails and the policy forbids nothing."""
    context = browser.new_context(
        locale=locale, viewport={"width": 1000, "height": 700}, extra_http_headers=from_elsewhere()
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=service.url)
    page = context.new_page()
    failed: list[str] = []
    said: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("console", lambda line: said.append(line.text))
    page.goto(service.url)
    yield page
    context.close()
    assert failed == []
    assert [line for line in said if "Security Policy" in line] == []


def sign_in(page: Page, login: str, password: str = PASSWORD) -> None:
    page.locator("[name=username]").fill(login)
    page.locator("[name=password]").fill(password)
    page.locator("#sign-in button").click()


def enter(page: Page, login: str) -> None:
    sign_in(page, login)
    expect(page.locator("#gallery")).to_be_visible()


def photo(width: int = 900, height: int = 600) -> bytes:
    return encode(waves(width, height), "JPEG")


def choose(page: Page, **files: bytes) -> None:
    payloads: list[FilePayload] = [
        {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": content}
        for name, content in files.items()
    ]
    page.locator("#files").set_input_files(payloads)


def name_of(button: Locator) -> str:
    return button.get_attribute("aria-label") or ""


@pytest.mark.parametrize(
    ("locale", "wrong_login", "not_a_picture", "copied"),
    [
        ("en-US", "Login or password is wrong.", "This is not a picture.", "Copied"),
        ("es-ES", "Usuario o contraseña incorrectos.", "Esto no es una imagen.", "Copiado"),
    ],
)
def test_the_main_job_by_hand(service, page: Page, wrong_login, not_a_picture, copied) -> None:
    login = service.account("Enterprise")
    sign_in(page, login, "wrong")
    expect(page.locator("#sign-in .problem")).to_have_text(wrong_login)
    sign_in(page, login)
    expect(page.locator("#gallery.empty")).to_be_visible()

    choose(page, good=photo(), bad=b"not a picture")
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
    page.locator("#confirm-delete [value=yes]").click()
    expect(page.locator("#gallery.empty")).to_be_visible()
    assert requests.get(address, timeout=10).status_code == 410
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    page.reload()
    expect(page.locator("#sign-in")).to_be_visible()


def test_a_picture_is_kept_when_the_answer_is_no(service, page: Page) -> None:
    login = service.account("Basic")
    service.upload(login, photo())
    enter(page, login)
    page.locator("#pictures button").click()
    page.locator("#viewer [data-action=delete]").click()
    page.locator("#confirm-delete [value=no]").click()
    expect(page.locator("#viewer")).to_be_visible()
    page.reload()
    expect(page.locator("#pictures li")).to_have_count(1)


def test_a_plan_without_links_and_originals_says_so(service, page: Page) -> None:
    login = service.account("Basic")
    enter(page, login)
    choose(page, only=photo())
    expect(page.locator("#pictures img")).to_have_count(1)
    page.locator("#pictures button").click()
    expect(page.locator("#viewer img")).to_have_js_property("naturalHeight", 200)
    expect(page.locator("#original")).to_be_hidden()
    page.locator("#viewer [data-action=link]").click()
    page.locator("#make-link button.primary").click()
    expect(page.locator("#make-link .problem")).to_have_text("Your plan makes no links.")


def test_a_picture_that_browsers_do_not_show_is_shown_by_its_copy(service, page: Page) -> None:
    login = service.account("Premium")
    service.upload(login, encode(waves(900, 600), "TIFF"))
    enter(page, login)
    expect(page.locator("#pictures img")).to_have_count(1)
    page.locator("#pictures button").click()
    expect(page.locator("#viewer img")).to_have_js_property("naturalHeight", 400)
    expect(page.locator("#viewer img")).not_to_have_class("preview")
    expect(page.locator("#original")).to_be_visible()


def test_a_time_of_ones_own_is_asked_within_its_bounds(service, page: Page) -> None:
    login = service.account("Enterprise")
    service.upload(login, photo())
    enter(page, login)
    page.locator("#pictures button").click()
    page.locator("#viewer [data-action=link]").click()
    page.get_by_label("Other").check()
    minutes = page.locator("[name=minutes]")
    minutes.fill("501")
    page.locator("#make-link button.primary").click()
    assert minutes.evaluate("field => field.validity.rangeOverflow")
    minutes.fill("500")
    with page.expect_response(re.compile("time=30000$")) as answer:
        page.locator("#make-link button.primary").click()
    assert answer.value.json()["expires_in"] == 30_000


def test_all_can_be_done_with_the_keyboard(service, page: Page) -> None:
    login = service.account("Premium")
    service.upload(login, photo(600, 400), photo(400, 600))
    enter(page, login)
    expect(page.locator("#heading")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    older = page.locator("#pictures button").nth(1)
    expect(older).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer-title")).to_have_text(name_of(older))
    page.keyboard.press("ArrowLeft")
    newer = page.locator("#pictures button").nth(0)
    expect(page.locator("#viewer-title")).to_have_text(name_of(newer))
    page.keyboard.press("Escape")
    expect(newer).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Delete")
    page.locator("#confirm-delete [value=yes]").press("Enter")
    expect(page.locator("#pictures li")).to_have_count(1)


def test_older_pictures_come_as_one_scrolls(service, page: Page) -> None:
    login = service.account("Premium")
    tiny = encode(waves(30, 20), "PNG")
    service.upload(login, *[tiny] * 65)
    enter(page, login)
    expect(page.locator("#pictures li")).to_have_count(60)
    page.locator("#more").scroll_into_view_if_needed()
    expect(page.locator("#pictures li")).to_have_count(65)
    expect(page.locator("#pictures li.pending")).to_have_count(0, timeout=30_000)
    expect(page.locator("#more")).to_be_hidden()


def test_whoever_scrolls_before_the_thumbnails_are_there_is_heard(service, page: Page) -> None:
    login, held, is_released = service.account("Premium"), [], threading.Event()

    def hold(route: Route) -> None:
        route.continue_() if is_released.is_set() else held.append(route)

    service.upload(login, *[encode(waves(30, 20), "PNG")] * 65)
    page.route("**/api/user/thumbnails/**", hold)
    enter(page, login)
    expect(page.locator("#pictures li")).to_have_count(60)
    page.locator("#more").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    is_released.set()
    for route in held:
        route.continue_()
    expect(page.locator("#pictures li")).to_have_count(65)


def test_an_upload_that_broke_off_can_be_tried_again(service, page: Page) -> None:
    enter(page, service.account("Premium"))
    page.context.set_offline(True)
    choose(page, unlucky=photo())
    expect(page.locator("#uploads .status")).to_have_text("The connection broke off.")
    page.context.set_offline(False)
    page.locator("#uploads [data-action=retry]").click()
    expect(page.locator("#pictures img")).to_have_count(1)
    expect(page.locator("#uploads")).to_be_hidden()


def test_a_dropped_file_is_uploaded(service, page: Page) -> None:
    enter(page, service.account("Premium"))
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


def test_a_session_that_ended_elsewhere_leads_to_the_door(service, page: Page) -> None:
    enter(page, service.account("Premium"))
    page.context.clear_cookies()
    choose(page, late=photo())
    expect(page.locator("#sign-in .problem")).to_have_text("Your session has ended. Sign in again.")
    page.reload()
    expect(page.locator("#sign-in .problem")).to_be_hidden()


def test_too_many_attempts_are_told_the_seconds(page: Page) -> None:
    problem = page.locator("#sign-in .problem")
    for _ in range(5):
        sign_in(page, "nobody", "wrong")
        expect(problem).to_have_text("Login or password is wrong.")
    sign_in(page, "nobody", "wrong")
    expect(problem).to_have_text(re.compile(r"^Too many attempts\. Try again in \d+ seconds\.$"))


def test_a_server_that_was_away_is_found_again(service, page: Page) -> None:
    page.route("**/api/user/**", lambda route: route.abort())
    page.reload()
    banner = page.locator("#error-banner")
    expect(banner).to_have_text("The server cannot be reached. Trying again …")
    page.unroute("**/api/user/**")
    expect(page.locator("#sign-in")).to_be_visible(timeout=15_000)
    expect(banner).to_be_hidden()


def test_the_language_can_be_chosen(page: Page) -> None:
    page.locator(".languages [value=es]").click()
    expect(page.locator("#sign-in h1")).to_have_text("Entrar")
    page.locator(".languages [value=en]").click()
    expect(page.locator("#sign-in h1")).to_have_text("Sign in")


@pytest.mark.parametrize("width", [320, 390, 1600])
def test_nothing_sticks_out_at_the_side(service, page: Page, width: int) -> None:
    login = service.account("Premium")
    service.upload(login, photo(1200, 100), photo(100, 1200), photo())
    page.set_viewport_size({"width": width, "height": 800})
    for step in ("door", "pictures"):
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, step
        if step == "door":
            enter(page, login)
            expect(page.locator("#pictures img")).to_have_count(3)


@pytest.mark.parametrize("path", ["l/nonsense", "images/nonsense", "nowhere"])
def test_a_wrong_address_shows_a_page(service, page: Page, path: str) -> None:
    answer = page.goto(f"{service.url}/{path}")
    assert answer is not None
    assert answer.status == 404
    expect(page.locator("main h1")).to_be_visible()
