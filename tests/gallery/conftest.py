"""The service, and a browser whose page has the gallery open."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.chromium import launch_chromium
from tests.gallery.browsing import Service, new_address


@pytest.fixture(scope="session")
def service(shared_run: Service) -> Service:
    return shared_run


# Not longer than for this folder: while Playwright runs, no test of the process can run an event
# loop.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium_program: str) -> Iterator[Browser]:
    expect.set_options(timeout=20_000)  # the machine may be busy
    with launch_chromium(playwright, chromium_program) as browser:
        yield browser


@pytest.fixture
def locale() -> str:
    return "en-US"


@pytest.fixture
def page(service: Service, browser: Browser, locale: str) -> Iterator[Page]:
    """The gallery; after the test, no script has failed and no policy has forbidden anything."""
    context = browser.new_context(
        locale=locale, viewport={"width": 1000, "height": 700}, extra_http_headers=new_address()
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=service.url)
    page = context.new_page()
    errors: list[str] = []
    messages: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: messages.append(message.text))
    page.goto(service.url)
    yield page
    context.close()
    assert errors == []
    assert [message for message in messages if "Security Policy" in message] == []
