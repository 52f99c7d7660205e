"""The gallery in a real browser: sign in, upload, see thumbnails, make a link, delete."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.pictures import encoded, waves
from tests.processes import PASSWORD, dev_run

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
NO_BROWSER = "no chromium on this machine: apt-get install chromium"
pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(BROWSER is None and not os.environ.get("CI"), reason=NO_BROWSER),
    # Playwright's own event loop leaves its pipes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with dev_run(tmp_path_factory.mktemp("gallery") / "data") as service:
        yield service.url


@pytest.fixture(params=["en-US", "es-ES"])
def page(address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(locale=request.param)
        page.goto(address)
        yield page
        browser.close()


def sign_in(page: Page, password: str = PASSWORD) -> None:
    page.locator("[name=username]").fill("admin")
    page.locator("[name=password]").fill(password)
    page.locator("#sign-in button").click()


def test_the_main_job_by_hand(page: Page, tmp_path: Path) -> None:
    spanish = page.locator("html").get_attribute("lang") == "es"
    sign_in(page, "wrong")
    wrong = "Usuario o contraseña incorrectos." if spanish else "Login or password is wrong."
    expect(page.locator("#sign-in .problem")).to_have_text(wrong)
    sign_in(page)
    expect(page.locator("#empty")).to_be_visible()

    (tmp_path / "good.jpg").write_bytes(encoded(waves(900, 600), "JPEG"))
    (tmp_path / "bad.jpg").write_text("not a picture")
    page.locator("#files").set_input_files([tmp_path / "good.jpg", tmp_path / "bad.jpg"])
    expect(page.locator("#uploads .why")).to_have_text("This is not a picture.")
    expect(page.locator("#pictures img")).to_have_count(1, timeout=15_000)

    page.locator("#pictures button").click()
    page.locator("[data-act=link]").click()
    link = page.locator(".made input")
    expect(link).to_have_value(re.compile(r"^http://localhost:\d+/l/\S+$"))
    assert page.request.get(link.input_value()).status == 200

    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("[data-act=delete]").click()
    expect(page.locator("#empty")).to_be_visible()
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()


def test_nothing_on_the_page_breaks_its_own_policy(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.reload()
    expect(page.locator("#sign-in")).to_be_visible()
    assert [text for text in said if "Content Security Policy" in text] == []


def test_the_language_can_be_chosen(page: Page) -> None:
    page.locator(".languages [value=es]").click()
    expect(page.locator("#sign-in h1")).to_have_text("Entrar")
    page.locator(".languages [value=en]").click()
    expect(page.locator("#sign-in h1")).to_have_text("Sign in")


@pytest.mark.parametrize("path", ["l/nonsense", "images/nonsense", "nowhere"])
def test_a_wrong_address_shows_a_page(page: Page, address: str, path: str) -> None:
    answer = page.goto(f"{address}/{path}")
    assert answer is not None
    assert answer.status == 404
    expect(page.locator("main h1")).to_be_visible()
