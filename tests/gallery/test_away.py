"""A connection that breaks off, though the browser is online: all goes on by itself."""

from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.gallery.browsing import MARKS, Service, choose_files, open_gallery, photo

pytestmark = MARKS
PROBE = "/api/user/events/?limit=1"


def test_what_a_lost_connection_interrupts_goes_on_by_itself(service: Service, page: Page) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo())
    open_gallery(page, login)
    expect(page.locator("#pictures img")).to_have_count(1)
    everything = f"{service.url}/**"
    page.route(everything, lambda route: route.abort("connectionreset"))

    choose_files(page, one=photo(300, 200), two=photo(310, 200), three=photo(320, 200))
    waiting = page.locator("#uploads .status", has_text="Waiting for the connection …")
    expect(waiting).to_have_count(3)
    # Perhaps before its script was loaded.
    page.locator("#pictures button").click()
    for _ in range(3):
        with page.expect_event("requestfailed", lambda request: request.url.endswith(PROBE)):
            pass
        expect(page.locator("#offline")).to_be_visible()
    expect(waiting).to_have_count(3)
    expect(page.locator("#uploads .failed")).to_have_count(0)

    page.unroute(everything)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#viewer .stage img:not(.preview)")).to_be_visible()
    expect(page.locator("#uploads")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#pictures img")).to_have_count(4)


def test_what_could_not_be_loaded_is_loaded_once_there_is_an_answer_again(
    service: Service, page: Page
) -> None:
    login = service.create_account("Premium")
    service.upload(login, photo())
    open_gallery(page, login)
    account = page.get_by_role("link", name="Account")
    count = page.locator("#plan-pictures")
    account.click()
    expect(count).to_have_text("Pictures: 1")

    # The scripts are there now, and the pages have nothing to show.
    page.get_by_role("link", name="Links").click()
    expect(page.locator("#no-live-links")).to_be_visible()
    service.upload(login, photo(300, 200))
    page.route("**/api/user/**", lambda route: route.abort("connectionreset"))
    account.click()
    problem = page.locator("#account-page .plan .problem")
    expect(problem).to_have_text("The connection broke off.")
    page.unroute("**/api/user/**")
    expect(count).to_have_text("Pictures: 2")
    expect(problem).to_be_hidden()


def test_an_upload_whose_answer_was_lost_is_no_duplicate_and_a_file_that_is_gone_says_so(
    service: Service, page: Page, tmp_path: Path
) -> None:
    open_gallery(page, service.create_account("Premium"))
    lost: list[int] = []

    def lose_the_first(route: Route) -> None:
        if route.request.method != "POST" or lost:
            return route.continue_()
        lost.append(route.fetch().status)
        return route.abort("connectionreset")

    page.route("**/api/user/images/", lose_the_first)
    choose_files(page, once=photo())
    expect(page.locator("#pictures img")).to_have_count(1)
    expect(page.locator("#uploads")).to_be_hidden()
    assert lost == [201]
    page.unroute("**/api/user/images/")

    file = tmp_path / "gone.jpg"
    file.write_bytes(photo(300, 200))
    page.context.set_offline(True)
    page.locator("#files").set_input_files(file)
    expect(page.locator("#uploads .status")).to_have_text("Waiting for the connection …")
    file.unlink()
    page.context.set_offline(False)
    expect(page.locator("#uploads .status")).to_have_text(
        "The file cannot be read. Choose it again."
    )
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#uploads")).to_be_hidden()
