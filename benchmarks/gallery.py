"""The gallery in a real Chromium: what a cold start loads, when it stands, how it scrolls.

`./dev bench gallery` prints medians of nine cold starts with 500 pictures, on a desktop's and on a
phone's screen, and scrolls through 10,000; beside them stands what this machine's browser does with
the same scroll over as many plain `<img>`, and over nothing at all. `--runs`, `--pictures` and
`--scroll` change that, and 0 leaves it out.
`./dev bench --compare COMMIT gallery --scroll 0` measures another commit's starts beside ours, and
`--runs 0` its scrolling.
"""

import argparse
import html
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import requests
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.parts import TREE
from benchmarks.tables import show
from benchmarks.turns import turn
from devkit.environment import python
from tests.pictures import encode, waves
from tests.servers.ports import free_ports

FAST, SLOW = 400, 24  # pixels a frame: past everything, and as somebody looks at it
REFRESH = 1000 / 60  # milliseconds
PASSWORD = "a phrase for the bench"  # noqa: S105 (of a service that ends with the bench)
SCREENS = {"desktop": (1440, 900), "phone": (390, 844)}
REAL_PICTURES = 40
# Copies the rows of a few real pictures; their files get more names on the disk.
_FILL = """
import base64, os, time, uuid
from datetime import timedelta
from django.conf import settings
from accounts.models import User
from images.models import Picture
folder = settings.DATA_DIR / "images"
path_of = lambda key: folder / key
from thumbnails.models import RenderClaim, Thumbnail
owner = User.objects.get(username={login!r})
# WebP and AVIF are made a while after a picture is ready; a commit before that made them at once.
if "beside_due_at" in {{each.name for each in RenderClaim._meta.fields}}:
    while RenderClaim.objects.filter(beside_due_at__isnull=False).exists():
        time.sleep(0.5)
real = list(Picture.objects.filter(owner=owner).prefetch_related("thumbnails"))
def another(key):
    made = key.replace(key.rsplit("/", 1)[-1][:36], str(uuid.uuid4()))
    os.link(path_of(key), path_of(made))
    return made
for start in range(len(real), {count}, 500):
    pictures, thumbnails = [], []
    for number in range(start, min(start + 500, {count})):
        old = real[number % len(real)]
        own = list(old.thumbnails.all())
        new = Picture.objects.get(pk=old.pk)
        new.pk, new.uid, new.is_active = None, uuid.uuid4(), False
        new.key, new.clean_key = another(old.key), ""
        new.created_at = old.created_at - timedelta(hours=number)
        # Colours of its own, since no two pictures of a real account share them.
        hash = bytearray(base64.b64decode(old.thumbhash))
        hash[0] ^= number & 7
        hash[-4:] = number.to_bytes(4, "big")
        new.thumbhash = base64.b64encode(hash).decode()
        new.dominant_color = "#%06x" % (number * 7919 % 2**24)
        pictures.append(new)
        for each in own:
            keys = {{"key": another(each.key)}}
            from images.storage.keys import keys_beside
            for extension, beside in keys_beside(each.key).items():
                if not getattr(each, extension + "_key"):
                    continue
                keys[extension + "_key"] = keys_beside(keys["key"])[extension]
                os.link(path_of(beside), path_of(keys[extension + "_key"]))
            thumbnails.append((len(pictures) - 1, each, keys))
    made = Picture.objects.bulk_create(pictures)
    rows = []
    for place, each, keys in thumbnails:
        values = {{name: getattr(each, name) for name in (
            "owner_id", "height", "width_px", "height_px", "content_type", "bytes", "webp_bytes",
            "avif_bytes", "quality")}}
        rows.append(Thumbnail(picture=made[place], **values, **keys))
    Thumbnail.objects.bulk_create(rows)
"""
_WATCH = """
window.seen = { lcp: 0, cls: 0 };
const watch = (type, handle) => new PerformanceObserver((list) => list.getEntries().forEach(handle))
    .observe({ type, buffered: true });
watch("largest-contentful-paint", (entry) => { seen.lcp = entry.startTime; });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.cls += entry.value; });
"""
_STANDS = """() => {
    const tiles = [...document.querySelectorAll("#pictures li")].filter((tile) => {
        const box = tile.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight;
    });
    return tiles.length > 3 && tiles.every((tile) => {
        const image = tile.querySelector("img");
        return image && image.complete && image.naturalWidth > 0;
    });
}"""
# Each frame is a sixtieth of a second to the page, and to its timers: a busy machine, which draws
# fewer, has it do the same work in each.
_IN_STEP = """{
    let [frame, last] = [0, 0];
    const timers = new Map();
    const next = requestAnimationFrame.bind(window);
    performance.now = () => frame * 1000 / 60;
    setTimeout = (run, wait = 0, ...values) => {
        timers.set(++last, { at: performance.now() + wait, run: () => run(...values) });
        return last;
    };
    clearTimeout = (id) => void timers.delete(id);
    requestAnimationFrame = (run) => next(() => run(performance.now()));
    const tick = () => next(() => {
        frame += 1;
        for (const [id, { at, run }] of timers) {
            if (at <= performance.now() && timers.delete(id)) run();
        }
        tick();
    });
    tick();
}"""
_COUNT_NODES = """() => {
    const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
    let count = 1;
    while (walker.nextNode()) count += 1;
    return count;
}"""
_SCROLL = """async ([seconds, step]) => {
    const frames = [];
    let elements = 0;
    const end = performance.now() + seconds * 1000;
    for (let last = performance.now(); last < end; ) {
        scrollBy(0, step);
        // A browser that draws no frame at all ends the measurement as a very long one.
        const now = await new Promise((resolve) => {
            requestAnimationFrame(resolve);
            setTimeout(() => resolve(performance.now()), 3000);
        });
        frames.push(now - last);
        last = now;
        elements = Math.max(elements, document.getElementsByTagName("*").length);
    }
    return { frames, elements, left: document.body.scrollHeight - scrollY - innerHeight };
}"""


@dataclass
class Start:
    """A cold or warm start: milliseconds, requests and bytes until the first screen stands."""

    stands: float
    lcp: float
    cls: float
    requests: int
    bytes: int


@dataclass
class Traffic:
    page: Page
    requests: int = 0
    bytes: int = 0
    session: Any = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.send("Network.enable")
        self.session.on("Network.requestWillBeSent", self._count_request)
        self.session.on("Network.loadingFinished", self._count_bytes)

    def _count_request(self, event: dict[str, Any]) -> None:
        self.requests += not event["request"]["url"].startswith("data:")

    def _count_bytes(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])


@dataclass
class Service:
    url: str
    data_dir: Path

    def shell(self, program: str) -> None:
        env = os.environ | {"LOCAL": "on", "DATA_DIR": str(self.data_dir), "DATABASE_URL": ""}
        command = [python(), "manage.py", "shell", "-v", "0", "-c", program]
        subprocess.run(command, cwd=TREE, env=env, check=True)

    def fill(self, login: str, count: int) -> None:
        """Make an account with this many pictures."""
        self.shell(
            "from accounts.models import User; from tiers.models import Tier; "
            f"User.objects.create_user({login!r}, {PASSWORD!r}, "
            "tier=Tier.objects.get(name='Enterprise'))"
        )
        client = requests.Session()
        images = f"{self.url}/api/user/images/"
        body = {"username": login, "password": PASSWORD}
        client.post(f"{self.url}/api/user/jwt-login/", json=body, timeout=60).raise_for_status()
        for number in range(REAL_PICTURES):
            picture = encode(waves(900 + 40 * (number % 7), 600 + 70 * (number % 5)), "JPEG")
            client.post(images, files={"image": picture}, timeout=60).raise_for_status()
        asked = {"state": "pending", "fields": "id"}
        while client.get(images, params=asked, timeout=60).json():
            time.sleep(0.5)
        self.shell(_FILL.format(login=login, count=count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--scroll", type=int, default=10_000, help="0: do not scroll")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tintype-bench-") as folder:
        data_dir, [port] = Path(folder) / "data", free_ports(1)
        env = os.environ | {
            "PORT": str(port), "DATA_DIR": str(data_dir), "ADMIN_PASSWORD": PASSWORD,
            "DATABASE_URL": "", "AMQP_URL": "",
        }  # fmt: skip
        log = (Path(folder) / "log").open("wb")
        command = [sys.executable, "dev", "run"]
        process = subprocess.Popen(command, cwd=TREE, env=env, stdout=log, stderr=log)
        try:
            service = Service(f"http://localhost:{port}", data_dir)
            _wait(service.url)
            _measure(service, options)
        finally:
            process.terminate()
            process.wait(60)
            log.close()


def _wait(url: str) -> None:
    for _ in range(240):
        try:
            if requests.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise SystemExit("The service is not ready after two minutes.")


def _measure(service: Service, options: argparse.Namespace) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        if options.runs:
            _measure_starts(browser, service, options)
        if options.scroll:
            service.fill("many", options.scroll)
            _measure_scrolling(browser, service, options)
        browser.close()


def _measure_starts(browser: Browser, service: Service, options: argparse.Namespace) -> None:
    service.fill("few", options.pictures)
    starts: dict[str, list[Start]] = {screen: [] for screen in SCREENS}
    for _ in range(options.runs):
        for screen in SCREENS:
            with turn():
                starts[screen].append(_start(browser, service, screen))
    show(
        f"Cold starts with {options.pictures} pictures, medians; the worst shift, warm too",
        {screen: _row(each) for screen, each in starts.items()},
    )


def _measure_scrolling(browser: Browser, service: Service, options: argparse.Namespace) -> None:
    kinds = {
        "gallery": (None, FAST),
        "gallery, looked at": (None, SLOW),
        "plain <img>": (_plain_images, FAST),
        "nothing": (_nothing, FAST),
    }
    rows: dict[str, dict[str, float | None]] = {}
    for name, (floor, step) in kinds.items():
        with turn():
            rows[name] = _clock(_scroll(browser, service, floor, step))
    show(
        f"Scrolling through {options.scroll} pictures on a desktop's screen, by the clock; a frame "
        "takes one refresh of 60 a second, or two, or more",
        rows,
    )
    rows = {}
    for name, (floor, step) in kinds.items():
        with turn():
            rows[name] = _cpu(_scroll(browser, service, floor, step, in_step=True))
    show("The same by the processor, each frame a sixtieth of a second to the page", rows)


def _sign_in(browser: Browser, service: Service, screen: str, login: str) -> BrowserContext:
    width, height = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
    body = {"username": login, "password": PASSWORD}
    context.request.post(f"{service.url}/api/user/jwt-login/", data=body)
    return context


def _start(browser: Browser, service: Service, screen: str) -> Start:
    context = _sign_in(browser, service, screen, "few")
    page = context.new_page()
    page.add_init_script(_WATCH)
    traffic = Traffic(page)
    started = time.monotonic()
    page.goto(service.url)
    page.wait_for_function(_STANDS, timeout=60_000)
    stands = time.monotonic() - started
    asked, received = traffic.requests, traffic.bytes
    # What comes into sight by scrolling counts as a shift, and not as the largest paint.
    lcp = page.evaluate("() => seen.lcp")
    cls = _shift_to_the_end(page)
    # Warm: what the browser has kept is there at once, and what is not comes between it.
    page.evaluate("() => scrollTo(0, 0)")
    page.reload()
    page.wait_for_function(_STANDS, timeout=60_000)
    cls = max(cls, _shift_to_the_end(page))
    context.close()
    return Start(1000 * stands, lcp, cls, asked, received)


def _shift_to_the_end(page: Page) -> float:
    """Scroll to the end; return by how much everything has shifted since the page began."""
    for _ in range(40):
        if page.evaluate(_SCROLL, [3, 120])["left"] < 10:
            break
    else:
        raise SystemExit("The end of the list was not reached.")
    return float(page.evaluate("() => seen.cls"))


def _row(starts: list[Start]) -> dict[str, float | None]:
    return {
        "stands ms": median(each.stands for each in starts),
        "LCP ms": median(each.lcp for each in starts),
        "requests": median(each.requests for each in starts),
        "kB": median(each.bytes for each in starts) / 1000,
        "CLS": max(each.cls for each in starts),
    }


def _plain_images(page: Page, service: Service) -> str:
    """Return a page with as many pictures of the same size, which the browser lays out alone."""
    rows: list[dict[str, Any]] = []
    url = f"{service.url}/api/user/images/?fields=thumbnails&limit=1000"
    while url:
        response = page.context.request.get(url)
        rows += response.json()
        url = (re.findall(r"<([^>]+)>", response.headers.get("link", "")) or [""])[0]
    images = [each["thumbnails"][0] for each in rows]
    tags = [
        f'<img src="{html.escape(each["url"])}" width="{each["width"]}" height="200" '
        'loading="lazy" decoding="async" alt="">'
        for each in images
    ]
    return f"<style>img {{ margin: 4px }}</style>{' '.join(tags)}"


def _nothing(_page: Page, _service: Service) -> str:
    """Return a page of stripes, as high as the others."""
    stripes = "repeating-linear-gradient(#fff 0 200px, #ccc 200px 208px)"
    return f"<style>body {{ height: 350000px; background: {stripes} }}</style>"


@dataclass
class Scroll:
    """What was seen of a page that was scrolled, in milliseconds."""

    frames: list[float]
    trace: list[dict[str, Any]]
    elements: int
    nodes: int
    shift: float
    left: float


def _scroll(
    browser: Browser,
    service: Service,
    floor: Callable[[Page, Service], str] | None,
    step: int,
    *,
    in_step: bool = False,
) -> Scroll:
    context = _sign_in(browser, service, "desktop", "many")
    page = context.new_page()
    page.add_init_script(_WATCH)
    if in_step:
        page.add_init_script(_IN_STEP)
    if floor is None:
        page.goto(service.url)
        page.wait_for_function(_STANDS, timeout=60_000)
    else:
        body = f"<!doctype html>{floor(page, service)}"
        page.route("**/floor", lambda route: route.fulfill(body=body, content_type="text/html"))
        page.goto(f"{service.url}/floor")
    with tempfile.TemporaryDirectory(prefix="tintype-trace-") as folder:
        path = Path(folder) / "trace.json"
        browser.start_tracing(page=page, path=path, categories=["toplevel", "devtools.timeline"])
        scroll = Scroll([], [], 0, 0, 0, 1)
        # The whole list, or a minute of it.
        for _ in range(12 if step == FAST else 2):
            result = page.evaluate(_SCROLL, [5, step])
            scroll.frames += result["frames"]
            scroll.elements = max(scroll.elements, result["elements"])
            scroll.nodes = max(scroll.nodes, page.evaluate(_COUNT_NODES))
            scroll.left = result["left"]
            if scroll.left < 10:
                break
        browser.stop_tracing()
        scroll.trace = json.loads(path.read_text())["traceEvents"]
    scroll.shift = page.evaluate("() => window.seen.cls")
    context.close()
    return scroll


def _clock(scroll: Scroll) -> dict[str, float | None]:
    tasks = _tasks(scroll.trace, "dur", "CrRendererMain")
    refreshes = [round(each / REFRESH) for each in scroll.frames]
    return {
        "frames": len(scroll.frames),
        "p50 ms": median(scroll.frames),
        "p95 ms": quantiles(scroll.frames, n=20)[-1],
        "p95 refreshes": quantiles(refreshes, n=20)[-1],
        # While one waits for a processor that others use, its clock runs.
        "tasks >50 ms": _count_long(tasks),
        "longest ms": max(tasks, default=0),
        "elements": scroll.elements,
        "nodes": scroll.nodes,
        "CLS": scroll.shift,
        "px left": scroll.left,
    }


def _cpu(scroll: Scroll) -> dict[str, float | None]:
    frames = len(scroll.frames)
    tasks = _tasks(scroll.trace, "tdur", "CrRendererMain")
    return {
        "frames": frames,
        "tasks >50 ms of CPU": _count_long(tasks),
        "longest ms": max(tasks, default=0),
        "ms a frame": sum(tasks) / frames,
        # By the other threads that draw, which without a graphics card are the same cores'.
        "compositor's": sum(_tasks(scroll.trace, "tdur", "Compositor")) / frames,
        "rasterizers'": sum(_tasks(scroll.trace, "tdur", "ThreadPoolForegroundWorker")) / frames,
        "display's": sum(_tasks(scroll.trace, "tdur", "VizCompositorThread")) / frames,
    }


def _count_long(tasks: list[float]) -> int:
    return sum(each > 50 for each in tasks)


def _tasks(events: list[dict[str, Any]], clock: str, thread: str) -> list[float]:
    """Return the milliseconds of each task of the threads that have a name.

    `clock` is `dur`, the time that passed, or `tdur`, the thread's own.
    """
    threads = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == thread
    }
    return [
        each[clock] / 1000
        for each in events
        if (each["pid"], each["tid"]) in threads
        and each["name"] in {"RunTask", "ThreadControllerImpl::RunTask", "ThreadPool_RunTask"}
        and clock in each
    ]


if __name__ == "__main__":
    main()
