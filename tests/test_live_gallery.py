"""What the gallery shows without being asked, in a real browser."""

import re

from playwright.sync_api import Page, WebSocketRoute, expect

from tests import test_gallery as gallery
from tests.test_gallery import Service, enter, photo

# The same service, browser and page, and the same conditions.
browser, locale, page, service = gallery.browser, gallery.locale, gallery.page, gallery.service
pytestmark = gallery.pytestmark
SOCKET = re.compile("/ws/pictures/")


def newest(service: Service, login: str) -> int:
    with service.cookies(login) as session:
        answer = session.get(f"{service.url}/api/user/images/", timeout=10)
        return int(answer.json()[0]["id"])


def delete(service: Service, login: str, picture: int) -> None:
    with service.cookies(login) as session:
        address = f"{service.url}/api/user/images/{picture}/"
        session.delete(address, timeout=10).raise_for_status()


def listen(page: Page, login: str) -> None:
    with page.expect_websocket() as opened:
        enter(page, login)
    assert SOCKET.search(opened.value.url)


def test_what_happens_elsewhere_is_shown_as_it_happens(service, page: Page) -> None:
    login = service.account("Enterprise")
    listen(page, login)
    service.upload(login, photo(), photo(600, 400))
    expect(page.locator("#pictures img")).to_have_count(2)
    page.locator("#pictures button").first.click()
    delete(service, login, newest(service, login))
    expect(page.locator("#pictures li")).to_have_count(1)
    expect(page.locator("#viewer-title")).to_have_text(re.compile(r"Picture \d+"))
    delete(service, login, newest(service, login))
    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#gallery.empty")).to_be_visible()


def test_while_it_listens_it_does_not_ask(service, page: Page) -> None:
    login = service.account("Enterprise")
    listen(page, login)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    service.upload(login, photo())
    expect(page.locator("#pictures img")).to_have_count(1)
    pictures = [url for url in asked if re.search(r"/images/\d+/$", url)]
    lists = [url for url in asked if "/thumbnails/" in url]
    assert len(pictures) == 1
    assert len(lists) <= 2, "one for the picture, one for its thumbnails"


def test_a_lost_socket_comes_back_with_what_was_missed(service, page: Page) -> None:
    sockets: list[WebSocketRoute] = []
    is_away = False

    def pass_on(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if is_away:
            socket.close()
        else:
            socket.connect_to_server()

    page.route_web_socket(SOCKET, pass_on)
    page.reload()
    login = service.account("Enterprise")
    service.upload(login, photo())
    enter(page, login)
    expect(page.locator("#pictures img")).to_have_count(1)
    is_away = True
    sockets[-1].close()
    service.upload(login, photo(600, 400), photo(300, 200))
    delete(service, login, newest(service, login))
    is_away = False
    expect(page.locator("#pictures img")).to_have_count(2, timeout=60_000)


def test_a_session_that_ends_elsewhere_closes_the_page(service, page: Page) -> None:
    login = service.account("Premium")
    listen(page, login)
    other = page.context.new_page()
    other.goto(service.url)
    other.locator("#sign-out").click()
    expect(page.locator("#sign-in .problem")).to_have_text("Your session has ended. Sign in again.")
    expect(other.locator("#sign-in")).to_be_visible()
    expect(other.locator("#sign-in .problem")).to_be_hidden()
