"""axe-core on a page, as wide and as bright as people have it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

from tests.servers import npm

# 320 is what a window of 1280 pixels has at a zoom of 400 % (device scale 4): WCAG 1.4.10.
WIDTHS = (320, 390, 1440)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
_PROGRAM = npm.PAGES.folder / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 AA, and what axe's authors hold to be good besides.
_RUN = """async ([what, exclude]) => {
    const rules = {
        light: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        // Nothing else depends on the scheme.
        dark: { type: "rule", values: ["color-contrast", "link-in-text-block"] },
        // Nothing else depends on how close it lies.
        close: { type: "rule", values: ["target-size", "scrollable-region-focusable"] },
    };
    const { violations } = await axe.run({ exclude }, {
        runOnly: rules[what],
        resultTypes: ["violations"],
        rules: { region: { enabled: false } },
    });
    const wide = document.documentElement.scrollWidth - innerWidth;
    return [
        ...violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`),
        ...(wide > 0 ? [`${wide} pixels too wide`] : []),
    ];
}"""


def find_violations(
    page: Page,
    state: str,
    *,
    widths: Sequence[int] = WIDTHS,
    schemes: Sequence[Scheme] = SCHEMES,
    exclude: Sequence[str] = (),
) -> list[str]:
    """Return what is wrong in a state of the page, at each width and in each scheme.

    `exclude` names, by selectors, what on it is not ours.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(Path(_PROGRAM).read_text())
    found = []
    before = page.viewport_size
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        # What is narrow at 390 is the same at 320, but closer together.
        is_close = width == WIDTHS[0]
        for scheme in SCHEMES[:1] if is_close else schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            wrong = page.evaluate(_RUN, ["close" if is_close else scheme, list(exclude)])
            found += [f"{state}, {width}, {scheme}: {each}" for each in wrong]
    if before:
        page.set_viewport_size(before)
    return found
