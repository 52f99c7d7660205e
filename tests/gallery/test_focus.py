"""What has the focus is seen, also where little room is left beside what stays (WCAG 2.4.11)."""

from playwright.sync_api import Page, expect

from tests.gallery.browsing import MARKS, Service, open_gallery, photo

pytestmark = MARKS
# Twice around a page, if its last element leads to the first.
STEPS = 60
# Nothing of it is at the top: what is one pixel wide is drawn by its label.
IS_COVERED = """() => {
    const focused = document.activeElement;
    const { left, top, width, height } = focused.getBoundingClientRect();
    if (focused === document.body || width < 2) return null;
    const isSeen = (across, down) => {
        const found = document.elementFromPoint(left + width * across, top + height * down);
        return found && (focused.closest("li") ?? focused).contains(found);
    };
    const shares = [0.05, 0.25, 0.5, 0.75, 0.95];
    if (shares.some((across) => shares.some((down) => isSeen(across, down)))) return null;
    return `${focused.ariaLabel ?? focused.textContent ?? focused.id} at ${top}`;
}"""


def find_covered(page: Page, keys: list[str]) -> list[str]:
    """Press each key; return what then had the focus and was not seen."""
    found = []
    for key in keys:
        page.keyboard.press(key)
        found.append(page.evaluate(IS_COVERED))
    return [each for each in found if each]


def test_the_focus_is_never_behind_what_stays_on_the_page(service: Service, page: Page) -> None:
    login = service.create_account("Premium")
    # Wide, so that each has a row of its own.
    service.upload(login, *(photo(900 + number, 300) for number in range(12)))
    page.set_viewport_size({"width": 320, "height": 400})
    open_gallery(page, login)
    expect(page.locator("#pictures img").first).to_be_visible()
    arrows = ["ArrowDown"] * 11 + ["ArrowUp"] * 11
    page.locator("#pictures button").first.focus()
    assert find_covered(page, arrows) == []
    assert find_covered(page, ["Space", *arrows]) == []
    expect(page.locator("#selection")).to_be_visible()
    # A window of 1280 × 1024 pixels at 400 %.
    page.set_viewport_size({"width": 320, "height": 256})
    assert find_covered(page, arrows) == []
    page.set_viewport_size({"width": 1000, "height": 420})
    assert find_covered(page, arrows) == []

    # What is gone with the selection leaves the focus at the list.
    page.get_by_role("button", name="Select none").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#heading")).to_be_focused()

    page.set_viewport_size({"width": 320, "height": 400})
    page.locator("#pictures button").first.click()
    page.get_by_role("button", name="Details").click()
    expect(page.locator("#details dd").first).not_to_be_empty()
    # What is shown last, and moves what is below it.
    expect(page.locator(".reveals-text")).to_contain_text("JPEG")
    assert find_covered(page, ["Tab"] * 25) == []
    page.goto(f"{service.url}/account")
    expect(page.locator("#plan-pictures")).to_have_text("Pictures: 12")
    for each in ("#sessions li", "#log li"):
        expect(page.locator(each).first).to_be_visible()
    assert find_covered(page, ["Shift+Tab"] * STEPS) == []
