"""Changes by other clients, which the gallery shows as they happen."""

import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.gallery.browsing import MARKS, Service, open_gallery, photo

pytestmark = MARKS
SOCKET = re.compile("/ws/pictures/")


def newest_picture(service: Service, login: str) -> int:
    with service.open_session(login) as session:
        response = session.get(f"{service.url}/api/user/images/", timeout=10)
        return int(response.json()[0]["id"])


def delete_picture(service: Service, login: str, picture: int) -> None:
    with service.open_session(login) as session:
        url = f"{service.url}/api/user/images/{picture}/"
        session.delete(url, timeout=10).raise_for_status()


def open_gallery_with_socket(page: Page, login: str) -> None:
    with page.expect_websocket() as opened:
        open_gallery(page, login)
    assert SOCKET.search(opened.value.url)


def test_changes_by_other_clients_are_shown_as_they_happen(service: Service, page: Page) -> None:
    login = service.create_account("Enterprise")
    open_gallery_with_socket(page, login)
    service.upload(login, photo(), photo(600, 400))
    expect(page.locator("#pictures img")).to_have_count(2)
    page.locator("#pictures button").first.click()
    delete_picture(service, login, newest_picture(service, login))
    expect(page.locator("#pictures li")).to_have_count(1)
    expect(page.locator("#viewer")).to_be_visible()
    delete_picture(service, login, newest_picture(service, login))
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#gallery.empty")).to_be_visible()


def test_what_another_changes_is_shown_beside_what_is_being_typed(
    service: Service, page: Page
) -> None:
    login = service.create_account("Enterprise")
    service.upload(login, photo())
    open_gallery_with_socket(page, login)
    url = f"{service.url}/api/user/images/{newest_picture(service, login)}/"
    page.locator("#pictures button").click()
    page.locator("#viewer [data-action=details]").click()
    page.locator("#edit-name").fill("hill.jpg")
    # One word alone, as wide as it is long, moves nothing aside.
    told = "W" * 2000
    with service.open_session(login) as session:
        session.patch(url, json={"description": told}, timeout=10).raise_for_status()
    expect(page.locator("#viewer-title")).to_have_text(told)
    expect(page).to_have_title(told)
    expect(page.locator("#edit-description")).to_have_value(told)
    expect(page.locator("#edit-name")).to_have_value("hill.jpg")
    box = page.locator(".stage img").bounding_box()
    assert box
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 1000
    expect(page.get_by_role("button", name="Close")).to_be_in_viewport()

    # What stands in the other fields was not changed here: the page does not send it.
    with page.expect_request(lambda request: request.method == "PATCH") as sent:
        page.locator("#edit").get_by_role("button", name="Save").click()
    assert sent.value.post_data_json == {"name": "hill.jpg"}
    expect(page.locator("#edit [role=status]")).to_have_text("Saved.")


@pytest.mark.nightly
def test_the_page_does_not_poll_while_its_socket_is_open(service: Service, page: Page) -> None:
    login = service.create_account("Enterprise")
    open_gallery_with_socket(page, login)
    requested_urls: list[str] = []
    page.on("request", lambda request: requested_urls.append(request.url))
    service.upload(login, photo())
    expect(page.locator("#pictures img")).to_have_count(1)
    asked = [url for url in requested_urls if "/api/" in url]
    assert len(asked) == 1, "the event tells of the picture; its thumbnails are asked for once"
    assert re.search(r"/images/\d+/", asked[0])


def test_a_reconnected_socket_delivers_the_missed_events(service: Service, page: Page) -> None:
    sockets: list[WebSocketRoute] = []
    is_away = False

    def route_socket(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if is_away:
            socket.close()
        else:
            socket.connect_to_server()

    page.route_web_socket(SOCKET, route_socket)
    page.reload()
    login = service.create_account("Enterprise")
    service.upload(login, photo())
    open_gallery(page, login)
    expect(page.locator("#pictures img")).to_have_count(1)
    is_away = True
    sockets[-1].close()
    service.upload(login, photo(600, 400), photo(300, 200))
    delete_picture(service, login, newest_picture(service, login))
    is_away = False
    expect(page.locator("#pictures img")).to_have_count(2, timeout=60_000)


def test_signing_out_in_another_tab_ends_the_session_here(service: Service, page: Page) -> None:
    login = service.create_account("Premium")
    open_gallery_with_socket(page, login)
    other = page.context.new_page()
    other.goto(service.url)
    other.locator("#sign-out").click()
    expect(page.locator("#sign-in .problem")).to_have_text("Your session has ended. Sign in again.")
    expect(other.locator("#sign-in")).to_be_visible()
    expect(other.locator("#sign-in .problem")).to_be_hidden()
