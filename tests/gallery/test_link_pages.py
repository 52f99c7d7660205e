"""What a person does on the page of a link that asks first."""

from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.gallery.browsing import MARKS, Service, new_address, photo
from tests.waiting import until

pytestmark = MARKS
PASSWORD = "the name of our boat"


def make_links(service: Service, *options: dict[str, Any]) -> list[str]:
    """Upload a picture; return the addresses of links to it once its preview is there."""
    session = service.open_session(service.create_account("Enterprise"))
    images = f"{service.url}/api/user/images/"
    picture = session.post(images, files={"image": photo()}, timeout=30).json()
    session.patch(f"{images}{picture['id']}/", json={"description": "A hill at dawn"}, timeout=30)

    def has_preview() -> bool:
        found = session.get(f"{images}{picture['id']}/", timeout=30).json()
        return found["thumbhash"] is not None

    until(has_preview, 60, lambda: "no preview")
    asked = {"image_id": picture["id"], "expires_in": 3600}
    return [
        session.post(f"{service.url}/api/user/links/", json=asked | each, timeout=30).json()["url"]
        for each in options
    ]


@pytest.mark.nightly
def test_a_link_is_opened_on_a_phone_by_its_button_and_its_password(
    service: Service, browser: Browser
) -> None:
    once, secret = make_links(service, {"max_opens": 1}, {"password": PASSWORD})
    # No page of the service needs a script here.
    phone = browser.new_context(
        viewport={"width": 360, "height": 700}, java_script_enabled=False, locale="es-ES",
        color_scheme="dark", extra_http_headers=new_address(),
    )  # fmt: skip
    page = phone.new_page()
    forbidden: list[str] = []
    page.on("console", lambda message: forbidden.append(message.text))
    page.goto(once)
    expect(page.locator("h1")).to_have_text("A hill at dawn")
    assert fits(page)
    assert forbidden == []
    page.get_by_role("button", name="Ver la imagen").dblclick()
    page.wait_for_url(once)
    expect(page.locator("img")).to_have_attribute("src", once)
    assert requests.get(once, timeout=30).status_code == 410
    page.reload()
    expect(page.locator("img")).to_have_attribute("src", once)

    # Chromium's own page around a picture has styles that our policy forbids.
    forbidden.clear()
    page.goto(secret)
    assert fits(page)
    page.locator("#password").fill("another boat")
    page.locator("#password").press("Enter")
    expect(page.locator("#problem")).to_have_text("Esa no es la contraseña.")
    page.locator("#password").fill(PASSWORD)
    assert [text for text in forbidden if "403" not in text] == []
    page.get_by_role("button").click()
    expect(page.locator("img")).to_have_attribute("src", secret)
    assert PASSWORD not in page.url
    phone.close()


def fits(page: Page) -> bool:
    """Tell whether nothing is wider than the screen."""
    box = page.locator("main").bounding_box()
    assert box
    return box["x"] >= 0 and box["x"] + box["width"] <= 360
