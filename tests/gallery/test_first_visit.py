"""What whoever comes for the first time sees, and what the page asks for them."""

from playwright.sync_api import Page, expect

from tests.gallery.browsing import MARKS

pytestmark = MARKS


def test_whoever_comes_without_a_session_is_asked_to_sign_in_and_nothing_is_refused(
    page: Page,
) -> None:
    errors: list[str] = []
    asked: list[str] = []
    page.on("console", lambda each: errors.append(each.text) if each.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response(lambda response: "/api/user/site/" in response.url):
        page.reload()
    expect(page.locator("#username")).to_be_visible()
    expect(page.locator("#loading")).to_be_hidden()
    page.wait_for_load_state("networkidle")
    assert errors == []
    assert [url for url in asked if "/api/user/" in url and "/site/" not in url] == []
