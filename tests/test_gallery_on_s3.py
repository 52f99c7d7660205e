"""The gallery in a real browser, with its pictures on a real S3 server: its policy lets them in."""

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Page, expect

from tests import test_gallery
from tests.processes import dev_run
from tests.test_gallery import BEHIND_A_PROXY, Service, choose, enter, photo

pytestmark = [*test_gallery.pytestmark, pytest.mark.s3]
browser, locale, page = test_gallery.browser, test_gallery.locale, test_gallery.page


@pytest.fixture(scope="module")
def endpoint(s3_server) -> str:
    return s3_server.endpoint_url


@pytest.fixture(scope="module")
def service(s3_server, bucket_name, endpoint, tmp_path_factory) -> Iterator[Service]:
    data_dir = tmp_path_factory.mktemp("gallery-s3") / "data"
    parts = {
        "STORAGE_URL": f"s3://{bucket_name}/gallery?endpoint_url={endpoint}",
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
        **BEHIND_A_PROXY,
    }
    with dev_run(data_dir, **parts) as running:
        yield Service(running.url, data_dir)


def test_pictures_come_from_the_storage_itself(service, endpoint, page: Page) -> None:
    enter(page, service.account("Enterprise"))
    choose(page, only=photo())
    image = page.locator("#pictures img")
    expect(image).to_have_count(1)
    expect(image).to_have_js_property("complete", value=True)
    assert (image.get_attribute("src") or "").startswith(f"{endpoint}/")
    assert image.evaluate("each => each.naturalHeight") in {200, 400}

    page.locator("#pictures button").click()
    shown = page.locator("#viewer img")
    expect(shown).to_have_js_property("naturalWidth", 900)
    assert (shown.get_attribute("src") or "").startswith(f"{endpoint}/")

    page.locator("#viewer [data-action=link]").click()
    page.locator("#make-link button.primary").click()
    expect(page.locator("#link-url")).not_to_have_value("")
    opened = requests.get(page.locator("#link-url").input_value(), timeout=10)
    assert (opened.status_code, opened.headers["Content-Type"]) == (200, "image/jpeg")


def test_a_picture_from_anywhere_else_is_kept_out(service, browser, locale) -> None:
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.goto(service.url)
    with page.expect_console_message(lambda line: "Security Policy" in line.text) as said:
        page.evaluate("() => { new Image().src = 'http://127.0.0.1:9/x.png'; }")
    assert "127.0.0.1:9" in said.value.text
    context.close()
