"""Pictures of the gallery for the documentation; run by `./dev demo --screenshots`.

It starts a service of its own, fills it as `./dev demo` does, and looks at it in Chromium as on a
desktop and on a phone, light and dark. Repeated, it writes the same files anew.
"""

import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from devkit.demo import LOGIN, PICTURES
from devkit.environment import ROOT
from devkit.messages import Refusal, say
from tests.servers.ports import free_ports

FOLDER = ROOT / "docs"
SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
START_TIMEOUT = 120  # seconds
CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    if not Path(CHROMIUM).exists():
        raise Refusal(f"There is no {CHROMIUM}; install Debian's package chromium.")
    with tempfile.TemporaryDirectory(prefix="tintype-screenshots-") as folder:
        [port] = free_ports(1)
        env = os.environ | {"PORT": str(port), "DATA_DIR": str(Path(folder) / "data")}
        log = (Path(folder) / "log").open("wb")
        command = [sys.executable, str(ROOT / "dev")]
        service = subprocess.Popen([*command, "run"], env=env, stdout=log, stderr=log)
        try:
            url = f"http://localhost:{port}"
            _wait(f"{url}/readyz")
            subprocess.run([*command, "demo"], env=env, check=True, stdout=log)
            password = (Path(folder) / "data" / "demo-password").read_text()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
                )
                for screen in SCREENS:
                    for scheme in SCHEMES:
                        _photograph(browser, url, password, screen, scheme)
                browser.close()
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(60)
            log.close()


def _wait(url: str) -> None:
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 (our own address)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise Refusal(f"The service was not ready in {START_TIMEOUT} seconds.")


def _photograph(
    browser: Browser, url: str, password: str, screen: str, scheme: Literal["light", "dark"]
) -> None:
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-US",
        reduced_motion="reduce",
    )  # fmt: skip
    context.request.post(
        f"{url}/api/user/jwt-login/", data={"username": LOGIN, "password": password}
    )
    page = context.new_page()
    page.goto(url)
    _wait_for_pictures(page, url)
    _save(page, f"gallery-{screen}-{scheme}")
    if scheme == "light":
        context.close()
        return
    # The viewer is dark in either.
    page.locator("#pictures button").nth(2).click()
    page.locator("#viewer [data-action=details]").click()
    page.locator(".reveals-text", has_text="JPEG").wait_for()
    _save(page, f"picture-{screen}")
    context.close()


def _wait_for_pictures(page: Page, url: str) -> None:
    ready = f"{url}/api/user/images/?state=ready&fields=id"
    while len(page.context.request.get(ready).json()) < PICTURES:
        page.wait_for_timeout(500)
    page.reload()
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('#pictures li')];"
        " return all.length > 3 && all.every((tile) => tile.style.backgroundImage === 'none'); }"
    )


def _save(page: Page, name: str) -> None:
    path = FOLDER / f"{name}.webp"
    with Image.open(io.BytesIO(page.screenshot())) as image:
        # Of 256 colours, as a palette has, skies show blotches.
        image.convert("RGB").save(path, quality=90, method=6)
    say(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
