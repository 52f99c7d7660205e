"""Whole stories of the gallery, each in one page: organising, describing, sharing, the account."""

import io
import re
import zipfile

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from tests.gallery.accessibility import find_violations
from tests.gallery.browsing import MARKS, Service, choose_files, open_gallery, photo
from tests.pictures import encode, waves
from tests.processes import PASSWORD
from tests.servers import npm

pytestmark = MARKS
_SCANNER = npm.PAGES.folder / "node_modules" / "jsqr" / "dist" / "jsQR.js"
_SCAN = """image => {
    const side = 4 * image.clientWidth;
    const context = new OffscreenCanvas(side, side).getContext("2d");
    context.drawImage(image, 0, 0, side, side);
    return jsQR(context.getImageData(0, 0, side, side).data, side, side)?.data ?? "unreadable";
}"""


def open_with_pictures(service: Service, page: Page, tier: str, count: int) -> str:
    login = service.create_account(tier)
    service.upload(login, *[photo(300 + 60 * number, 200) for number in range(count)])
    open_gallery(page, login)
    expect(tiles(page)).to_have_count(count)
    return login


def tiles(page: Page) -> Locator:
    return page.locator("#pictures li")


def stored(service: Service, login: str, **query: str) -> list[int]:
    with service.open_session(login) as session:
        rows = session.get(f"{service.url}/api/user/images/", params=query, timeout=10).json()
        return [row["id"] for row in rows]


def test_many_pictures_are_selected_deleted_undone_downloaded_and_shown_to_others(
    service: Service, page: Page
) -> None:
    login = open_with_pictures(service, page, "Premium", 5)
    # By keyboard: the second to the fourth.
    tiles(page).nth(1).locator("button").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#selection [role=status]")).to_have_text("Selected: 3")
    page.keyboard.press("Delete")
    expect(tiles(page)).to_have_count(2)
    assert len(stored(service, login)) == 5, "nothing is sent yet"
    page.get_by_role("button", name="Undo").click()
    expect(tiles(page)).to_have_count(5)

    # By mouse: the first, and with Shift all to the third.
    tiles(page).nth(0).hover()
    tiles(page).nth(0).locator("input").click()
    tiles(page).nth(2).locator("button").click(modifiers=["Shift"])
    expect(page.locator("#selection [role=status]")).to_have_text("Selected: 3")
    with page.expect_download() as download:
        page.locator("#selection [data-action=download]").click()
    archive = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert len(archive.namelist()) == 3
    page.locator("#set-visibility").select_option("public")
    expect(page.locator("#status")).to_have_text("Who may see them was changed.")
    assert len(stored(service, login, visibility="public")) == 3

    # Without a connection nothing is changed; the same can be chosen again.
    page.context.set_offline(True)
    page.locator("#set-visibility").select_option("private")
    expect(page.locator("#selection .problem")).to_be_visible()
    expect(page.locator("#set-visibility")).to_have_value("")
    page.context.set_offline(False)

    # What waits is sent when the page is left.
    page.locator("#selection [data-action=delete]").click()
    expect(tiles(page)).to_have_count(2)
    page.reload()
    expect(tiles(page)).to_have_count(2)
    assert len(stored(service, login)) == 2


def test_a_held_finger_selects_and_taps_select_more(service: Service, page: Page) -> None:
    open_with_pictures(service, page, "Premium", 3)
    hold = """(tile, type) => tile.querySelector("button").dispatchEvent(
        new PointerEvent(type, { bubbles: true, pointerType: "touch" }))"""
    tiles(page).nth(0).evaluate(hold, "pointerdown")
    expect(page.locator("#selection [role=status]")).to_have_text("Selected: 1")
    tiles(page).nth(0).evaluate(hold, "pointerup")
    tiles(page).nth(0).locator("button").dispatch_event("click", {"detail": 1})
    expect(page.locator("#selection [role=status]")).to_have_text("Selected: 1")
    tiles(page).nth(1).evaluate(hold, "pointerdown")
    tiles(page).nth(1).evaluate(hold, "pointerup")
    tiles(page).nth(1).locator("button").click()
    expect(page.locator("#selection [role=status]")).to_have_text("Selected: 2")


def test_pictures_are_described_found_and_opened_again_by_their_address(
    service: Service, page: Page
) -> None:
    login = open_with_pictures(service, page, "Premium", 3)
    oldest = stored(service, login)[-1]
    page.goto(f"{service.url}/p/{oldest}/details")
    page.get_by_label("Description, read to").fill("A hill at dawn")
    page.locator("#edit-name").fill("hill.jpg")
    page.locator("#edit-visibility").select_option("members")
    page.locator("#edit").get_by_role("button", name="Save").click()
    expect(page.locator("#edit [role=status]")).to_have_text("Saved.")
    expect(page.locator("#viewer-title")).to_have_text("A hill at dawn")
    expect(page.locator("#viewer img")).to_have_attribute("alt", "A hill at dawn")
    expect(page.locator(".reveals-text")).to_contain_text("JPEG")
    page.get_by_role("button", name="Make it your avatar").click()
    expect(page.get_by_role("button", name="It is your avatar")).to_be_disabled()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the original").click()
    assert download.value.suggested_filename == "hill.jpg"
    page.reload()
    expect(page.locator("#edit-description")).to_have_value("A hill at dawn")

    # Zoomed by the wheel, by keys and by a double click; Back closes the viewer.
    stage, zoomed = page.locator(".stage"), re.compile("zoomed")
    stage.hover()
    page.mouse.wheel(0, -400)
    expect(stage).to_have_class(zoomed)
    page.locator("#viewer").press("0")
    expect(stage).not_to_have_class(zoomed)
    stage.dblclick()
    expect(stage).to_have_class(zoomed)
    page.goto(service.url)
    page.locator("#q").fill("DAWN hill")
    expect(tiles(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/\?q=DAWN\+hill$"))
    expect(tiles(page).locator("img")).to_have_attribute("alt", "A hill at dawn")
    tiles(page).locator("button").click()
    expect(page.locator("#viewer")).to_be_visible()
    page.go_back()
    expect(page.locator("#viewer")).to_be_hidden()
    expect(tiles(page)).to_have_count(1)
    page.locator("#q").fill("nowhere")
    page.get_by_role("button", name="Show all").last.click()
    expect(tiles(page)).to_have_count(3)
    expect(page.get_by_role("heading", name="Today")).to_be_visible()

    # Another order, and those alone that others may see; a reload shows the same.
    page.locator(".search summary").click()
    page.get_by_label("Order").select_option("Oldest first")
    expect(tiles(page).first).to_have_attribute("data-id", str(oldest))
    page.get_by_label("Who else may see them", exact=True).select_option(
        "Everybody with an account"
    )
    expect(tiles(page)).to_have_count(1)
    page.reload()
    expect(tiles(page)).to_have_count(1)
    assert page.url == f"{service.url}/?visibility=members&order=created_at"
    page.goto(f"{service.url}/p/999999")
    expect(page.locator(".stage .problem")).to_have_text("There is no such picture.")
    expect(page.locator("#viewer button:visible")).to_have_text(["Close"])


def scan(image: Locator) -> str:
    """Read a QR code as it is drawn on the page, by another program than the one that drew it."""
    expect(image).not_to_have_js_property("naturalWidth", 0)
    image.page.evaluate(_SCANNER.read_text())
    return str(image.evaluate(_SCAN))


def test_what_is_typed_stays_and_what_a_filter_leaves_out_leaves_the_list(
    service: Service, page: Page
) -> None:
    open_with_pictures(service, page, "Enterprise", 4)
    page.goto(f"{service.url}/?visibility=private")
    expect(tiles(page)).to_have_count(4)
    tiles(page).nth(1).get_by_role("button").click()
    page.get_by_role("button", name="Details").click()
    description = page.locator("#edit-description")
    description.fill("A harbour")
    page.get_by_role("button", name="Older picture").click()
    expect(description).to_have_value("")
    page.get_by_role("button", name="Newer picture").click()
    expect(description).to_have_value("A harbour")

    # Whoever looks at it goes on from there.
    following = tiles(page).nth(2).get_attribute("data-id")
    page.locator("#edit-visibility").select_option("public")
    page.locator("#edit").get_by_role("button", name="Save").click()
    expect(page.locator("#edit [role=status]")).to_have_text("Saved.")
    expect(tiles(page)).to_have_count(3)
    expect(page.locator("#viewer-title")).to_have_text("A harbour")
    page.get_by_role("button", name="Older picture").click()
    expect(page).to_have_url(re.compile(rf"/p/{following}/"))
    page.keyboard.press("Escape")

    tiles(page).first.get_by_role("checkbox").check()
    page.locator("#set-visibility").select_option("members")
    expect(tiles(page)).to_have_count(2)
    expect(page.locator("#selection")).to_be_hidden()


@pytest.mark.usefixtures("node_modules")
def test_links_are_made_once_shown_together_and_end_at_once(service: Service, page: Page) -> None:
    login = open_with_pictures(service, page, "Enterprise", 1)
    tiles(page).locator("button").click()
    page.locator("#viewer [data-action=link]").click()
    page.get_by_text("Password, openings, note").click()
    page.get_by_label("Password to ask for").fill("our boat")
    page.get_by_label("Openings at most").fill("2")
    page.get_by_label("Note for yourself").fill("for Ana")
    page.locator("#make-link button.primary").dblclick()
    url = page.locator("#link-url")
    expect(url).to_have_value(re.compile("/l/"))
    expect(page.locator("#make-link button.primary")).to_be_hidden()
    page.locator("#make-link").press("Enter")
    address = url.input_value()
    assert page.locator("#make-link .qr").evaluate("each => each.naturalWidth") == 0
    page.get_by_text("QR code").first.click()
    assert scan(page.locator("#make-link .qr")) == address
    assert "our boat" not in address

    page.goto(f"{service.url}/links")
    item = page.locator("#links-page .link-list li")
    expect(item).to_have_count(1)
    expect(item.locator(".title")).to_have_text("for Ana")
    item.get_by_text("QR code").click()
    assert scan(item.locator(".qr")) == address
    expect(item.locator(".state")).to_contain_text("Opened: 0 of 2")
    expect(item.locator(".state")).to_contain_text("Asks for a password")
    assert requests.get(address, timeout=10).status_code == 200
    item.get_by_role("button", name="Revoke the link").click()
    expect(item).to_have_count(0)
    assert requests.get(address, timeout=10).status_code == 410
    page.get_by_label("Show those that are over, too").check()
    expect(item.locator(".state")).to_contain_text("Revoked")
    with service.open_session(login) as session:
        assert len(session.get(f"{service.url}/api/user/links/", timeout=10).json()) == 1


def test_the_account_is_seen_changed_and_left(service: Service, page: Page) -> None:
    login = open_with_pictures(service, page, "Premium", 1)
    other = service.open_session(login)
    page.locator(".pages [data-page=account]").click()
    expect(page.locator("#plan-name")).to_have_text("Premium")
    expect(page.locator("#space-text")).to_contain_text("Used:")
    expect(page.locator("#space-parts")).to_contain_text("other copies 0 bytes")
    page.locator("#profile-name").fill("Alice")
    page.locator("#profile").get_by_role("button", name="Save").click()
    expect(page.locator("#profile [role=status]")).to_have_text("Saved.")

    page.locator("#token-name").fill("backup")
    page.locator("#make-token").get_by_role("button").click()
    token = page.locator("#new-token")
    expect(token).to_have_value(re.compile("."))
    asked = {"Authorization": f"Token {token.input_value()}"}
    images = f"{service.url}/api/user/images/"
    assert requests.get(images, headers=asked, timeout=10).status_code == 200
    assert (
        requests.get(f"{service.url}/api/user/links/", headers=asked, timeout=10).status_code == 403
    )
    page.get_by_role("button", name="Revoke: backup").click()
    expect(page.locator("#tokens li")).to_have_count(0)
    assert requests.get(images, headers=asked, timeout=10).status_code == 401

    # Another mail address asks for the password.
    page.locator("#profile-email").fill("alice@example.org")
    page.locator("#profile-password").fill(PASSWORD)
    page.locator("#profile").get_by_role("button", name="Save").click()
    expect(page.locator("#profile-password")).to_be_hidden()
    expect(page.locator("#profile [role=status]")).to_have_text("Saved.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    archive = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert "alice@example.org" in archive.read("account.json").decode()
    assert len(archive.namelist()) == 2

    third = service.open_session(login)
    page.reload()
    # The one that uploaded is there, too.
    expect(page.locator("#sessions li")).to_have_count(4)
    page.locator("#sessions").get_by_role("button", name="Sign out").first.click()
    expect(page.locator("#sessions li")).to_have_count(3)
    assert sorted(each.get(images, timeout=10).status_code for each in (other, third)) == [200, 401]
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.locator("#end-others")).to_be_hidden()
    for each in (other, third):
        assert each.get(images, timeout=10).status_code == 401
    page.locator("#current-password").fill("wrong")
    page.locator("#new-password").fill("quite another phrase")
    page.locator("#change-password").get_by_role("button").click()
    expect(page.locator("#change-password .problem")).to_have_text("The password is wrong.")
    page.locator("#current-password").fill(PASSWORD)
    page.locator("#change-password").get_by_role("button").click()
    expect(page.locator("#change-password [role=status]")).to_contain_text("is changed")

    page.get_by_role("link", name="Delete the account").click()
    expect(page).to_have_url(f"{service.url}/account/delete")
    page.locator("#deletion-password").fill("quite another phrase")
    page.locator("#delete-account button.primary").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert page.url == f"{service.url}/"
    expect(page.locator("#join-link")).to_be_visible()
    expect(page.locator("#reset-link")).to_be_hidden()


def test_what_is_older_is_shown_once_however_often_it_is_asked_for(
    service: Service, page: Page
) -> None:
    login = service.create_account("Premium")
    for _ in range(14):
        service.open_session(login).close()
    open_gallery(page, login)
    page.locator(".pages [data-page=account]").click()
    expect(page.locator("#log li")).to_have_count(10)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url) if "/log/" in each.url else None)
    page.locator("#older-log").dblclick()
    # Fifteen sign-ins.
    expect(page.locator("#log li")).to_have_count(15)
    assert len(asked) == 1


def test_a_picture_that_is_there_already_is_told_before_it_is_sent(
    service: Service, page: Page
) -> None:
    login = service.create_account("Premium")
    same = photo(400, 300)
    service.upload(login, same)
    open_gallery(page, login)
    sent: list[str] = []
    page.on("request", lambda each: sent.append(f"{each.method} {each.url}"))
    choose_files(page, again=same)
    row = page.locator("#uploads li")
    expect(row.locator(".status")).to_have_text("You have this picture already.")
    assert [each for each in sent if each.startswith("POST")] == []
    row.get_by_role("link", name="Show it").click()
    expect(page.locator("#viewer")).to_be_visible()
    page.keyboard.press("Escape")
    row.get_by_role("button", name="Upload anyway").click()
    expect(tiles(page)).to_have_count(2)


@pytest.mark.nightly
def test_the_main_job_is_done_by_names_and_roles_alone(service: Service, page: Page) -> None:
    """What a screen reader's user has: no selector of ours."""
    login = service.create_account("Enterprise")
    service.upload(login, photo(600, 400))
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password", exact=True).first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").press("Enter")
    expect(page.get_by_role("heading", name="Your pictures")).to_be_focused()
    pictures = page.get_by_role("listitem")
    expect(pictures).to_have_count(1)
    pictures.get_by_role("button").press("Enter")
    viewer = page.get_by_role("dialog")
    viewer.get_by_role("button", name="Details").press("Enter")
    viewer.get_by_role("textbox", name="Description").fill("Two boats")
    viewer.get_by_role("button", name="Save").press("Enter")
    expect(viewer.get_by_role("heading", name="Two boats")).to_be_visible()
    viewer.get_by_role("button", name="Make a link").press("Enter")
    links = page.get_by_role("dialog", name="A link that expires")
    links.get_by_role("button", name="Make a link").press("Enter")
    link = links.get_by_role("textbox", name="Link", exact=True)
    expect(link).to_be_focused()
    assert requests.get(link.input_value(), timeout=10).status_code == 200
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Two boats")).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("button", name="Two boats")).to_be_visible()
    page.get_by_role("button", name="Sign out").press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.nightly
@pytest.mark.timeout(500)  # some thirty states, each looked at five times
# Words are longer there; colours, roles and names are the same in both languages.
@pytest.mark.parametrize("locale", ["es-MX"])
@pytest.mark.usefixtures("node_modules")
def test_no_page_dialog_or_state_violates_wcag(service: Service, page: Page, locale: str) -> None:
    found = find_violations(page, "sign-in")
    login = service.create_account("Enterprise")
    open_gallery(page, login)
    found += find_violations(page, "empty")
    choose_files(page, bad=b"not a picture", good=photo(), slow=encode(waves(40, 30), "PNG"))
    expect(page.locator("#uploads .failed")).to_be_visible()
    expect(tiles(page).locator("img")).to_have_count(2)
    found += find_violations(page, "uploads")
    page.locator("#clear").click()
    tiles(page).first.locator("button").focus()
    page.keyboard.press("Space")
    page.locator(".search summary").click()
    found += find_violations(page, "selection and filters")
    page.keyboard.press("Escape")
    page.locator("#selection [data-action=delete]").click()
    page.locator("#undo button").focus()  # or its ten seconds run out
    found += find_violations(page, "undo")
    # Whoever wants no motion gets none: `find_violations` asks for that.
    assert (
        page.locator("#undo i").evaluate("each => getComputedStyle(each).animationName") == "none"
    )
    page.locator("#undo button").click()
    page.locator("#q").fill("nothing like that")
    expect(page.locator("#no-match")).to_be_visible()
    page.context.set_offline(True)
    found += find_violations(page, "no match, offline")
    page.context.set_offline(False)
    page.locator("#clear-search").click()
    tiles(page).first.locator("button").click()
    page.locator("#viewer [data-action=details]").click()
    expect(page.locator(".reveals-text")).not_to_have_text("")
    found += find_violations(page, "viewer with details")
    page.locator("#viewer [data-action=delete]").click()
    page.locator("#undo button").focus()
    found += find_violations(page, "undo in the viewer")
    page.locator("#undo button").click()
    page.locator("#viewer [data-action=link]").click()
    page.locator("#make-link .choices summary").click()
    found += find_violations(page, "links dialog")
    page.locator("#link-opens").fill("2")
    page.locator("#make-link button.primary").click()
    expect(page.locator("#link-url")).not_to_have_value("")
    asking = page.locator("#link-url").input_value()
    page.locator("#make-link .result summary").click()
    expect(page.locator("#make-link .qr")).not_to_have_js_property("naturalWidth", 0)
    found += find_violations(page, "a link that was made")
    page.goto(f"{service.url}/links")
    page.locator("#links-page .link-list summary").click()
    expect(page.locator(".link-list .qr")).not_to_have_js_property("naturalWidth", 0)
    found += find_violations(page, "links")
    page.locator("#revoke-all").click()
    found += find_violations(page, "revoking all links")
    page.goto(f"{service.url}/account")
    expect(page.locator("#sessions li").first).to_be_visible()
    page.locator("#token-name").fill("backup")
    page.locator("#make-token button.primary").click()
    expect(page.locator("#new-token")).to_be_focused()
    # What is half behind the bar counts as too small; another width scrolls to the focus.
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    found += find_violations(page, "account")
    page.locator("#delete-account-link").click()
    found += find_violations(page, "deleting the account")
    for path in ("join", "reset", "join/unknown", "reset/unknown", "nowhere", "p/999999"):
        page.goto(f"{service.url}/{path}")
        found += find_violations(page, path)
    page.goto(asking)
    found += find_violations(page, "a link that asks first")
    page.goto(service.url)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("h1")).to_have_text(re.compile("^(No connection|Sin conexión)$"))
    found += find_violations(page, "a reload without a connection")
    assert found == []


def test_a_picture_that_another_program_shares_is_uploaded_once_and_leaves_nothing(
    service: Service, page: Page
) -> None:
    share = """async (bytes) => {
        await navigator.serviceWorker.ready;
        const form = new FormData();
        const content = new Uint8Array(bytes);
        form.append("pictures", new File([content], "niña.png", { type: "image/png" }));
        return (await fetch("/share", { method: "POST", body: form })).url;
    }"""
    # From now on the service worker stands between the page and the network.
    page.wait_for_function("() => navigator.serviceWorker.controller")
    content = list(encode(waves(30, 20), "PNG"))
    assert page.evaluate(share, content) == f"{service.url}/"
    login = service.create_account("Premium")
    # A page that is closed before it was stored goes on when it is opened again.
    page.route("**/api/user/images/", lambda route: None)
    open_gallery(page, login)
    expect(page.locator("#uploads .name")).to_have_text("niña.png")
    page.unroute("**/api/user/images/")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(tiles(page).locator("img")).to_have_count(1)
    with service.open_session(login) as session:
        [row] = session.get(f"{service.url}/api/user/images/?fields=name", timeout=10).json()
    assert row["name"] == "niña.png"
    page.evaluate(share, content)
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert page.evaluate("() => caches.keys()") == []
    assert page.evaluate("() => sessionStorage.length") == 0
