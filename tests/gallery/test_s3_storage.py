"""The gallery with its pictures on a real S3 server, which the page's policy has to allow."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.gallery.browsing import (
    BEHIND_A_PROXY,
    MARKS,
    Service,
    choose_files,
    open_gallery,
    photo,
)
from tests.processes import dev_run
from tests.servers import s3
from tests.waiting import until

pytestmark = [*MARKS, pytest.mark.s3]


@pytest.fixture(scope="module")
def endpoint(s3_server: s3.S3) -> str:
    return s3_server.endpoint_url


@pytest.fixture(scope="module")
def service(
    s3_server: s3.S3, bucket_name: str, endpoint: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    data_dir = tmp_path_factory.mktemp("gallery-s3") / "data"
    variables = {
        "STORAGE_URL": f"s3://{bucket_name}/gallery?endpoint_url={endpoint}",
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
        **BEHIND_A_PROXY,
    }
    with dev_run(data_dir, **variables) as running, closing(Service(running.url, data_dir)) as made:
        yield made


@pytest.mark.nightly
def test_the_browser_loads_pictures_from_the_s3_server(
    service: Service, endpoint: str, page: Page
) -> None:
    open_gallery(page, service.create_account("Enterprise"))
    choose_files(page, only=photo())
    image = page.locator("#pictures img")
    expect(image).to_have_count(1)
    expect(image).to_have_js_property("complete", value=True)
    source = image.evaluate("each => each.currentSrc")
    assert source.startswith(f"{endpoint}/")

    def is_smaller_after_loading_again() -> bool:
        page.reload()
        expect(image).to_have_js_property("complete", value=True)
        return ".avif?" in image.evaluate("each => each.currentSrc")

    until(is_smaller_after_loading_again, 60, page.content, interval=1)

    page.locator("#pictures button").click()
    shown = page.locator("#viewer img")
    expect(shown).to_have_js_property("naturalWidth", 900)
    assert (shown.get_attribute("src") or "").startswith(f"{endpoint}/")

    page.locator("#viewer [data-action=link]").click()
    page.locator("#make-link button.primary").click()
    expect(page.locator("#link-url")).not_to_have_value("")
    opened = requests.get(page.locator("#link-url").input_value(), timeout=10)
    assert (opened.status_code, opened.headers["Content-Type"]) == (200, "image/jpeg")


@pytest.mark.nightly
def test_the_page_loads_no_picture_from_another_site(
    service: Service, browser: Browser, locale: str
) -> None:
    context = browser.new_context(locale=locale)
    page = context.new_page()
    page.goto(service.url)
    with page.expect_console_message(lambda line: "Security Policy" in line.text) as message:
        page.evaluate("() => { new Image().src = 'http://127.0.0.1:9/x.png'; }")
    assert "127.0.0.1:9" in message.value.text
    context.close()
