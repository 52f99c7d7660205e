"""axe-core on a page, as wide and as bright as people have it."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

from tests.servers import npm

# 320 is what a window of 1280 pixels has at a zoom of 400 % (device scale 4): WCAG 1.4.10.
WIDTHS = (320, 390, 1440)
_SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
_PROGRAM = npm.FOLDER / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 AA, and what axe's authors hold to be good besides.
_RUN = """async scheme => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    // The others ask of nothing that the scheme changes.
    const colours = { type: "rule", values: ["color-contrast", "link-in-text-block"] };
    const { violations } = await axe.run(document, {
        runOnly: scheme === "light" ? tags : colours,
        resultTypes: ["violations"],
        rules: { region: { enabled: false } },
    });
    const wide = document.documentElement.scrollWidth - innerWidth;
    return [
        ...violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`),
        ...(wide > 0 ? [`${wide} pixels too wide`] : []),
    ];
}"""


def find_violations(page: Page, state: str) -> list[str]:
    """Return what is wrong in a state of the page, at every width and in both schemes."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(Path(_PROGRAM).read_text())
    found = []
    before = page.viewport_size
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{state}, {width}, {scheme}: {each}" for each in page.evaluate(_RUN, scheme)]
    if before:
        page.set_viewport_size(before)
    return found
