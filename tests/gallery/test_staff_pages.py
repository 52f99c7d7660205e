"""The admin's own pages in a real Chromium: used as staff use them, nightly in Spanish with axe.

Words are longer there: every page is looked at on a desktop and a phone, in the light and in the
dark. Colours and roles are the same in both languages.
"""

import base64
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.gallery.accessibility import Scheme, find_violations
from tests.gallery.browsing import MARKS, Service, new_address, photo
from tests.processes import PASSWORD
from tests.second_factors import code_of

pytestmark = [*MARKS, pytest.mark.usefixtures("node_modules")]
WIDTHS = (390, 1440)
# What Django's own templates and scripts make on every page.
_DJANGOS = ["#toolbar", "#changelist-filter", ".selector", "th.original"]
_SEED = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.links import make_link
from images.models import Picture
from plans.proposals import propose_change, propose_move, save_for_later
from staff.counting import count_if_due
from tests.factories import make_tier
from tests.rows import make_row, make_thumbnail_row, write_pictures
from tiers.models import Tier
root, _ = [User.objects.create_superuser(f"root-{{each}}", {password!r}) for each in ("en", "es")]
alice = User.objects.get(username={alice!r})
mixed = User.objects.create_user("\\u0430lice", {password!r}, tier=alice.tier)
picture = Picture.objects.filter(owner=alice).first()
make_link(maker=alice, picture=picture, seconds=3600)
open_bearer_session(alice, RequestOrigin(client_ip="192.0.2.7", user_agent="curl/8.5.0"))
failed = make_row(alice, rendering="failed", render_failure="Its file is missing.")
poster = make_tier("Poster", [100, 200], grants_original=True, grants_links=True)
carol = User.objects.create_user("carol", {password!r}, tier=poster)
make_tier("Small", [100])
crowd = User.objects.create_user("crowd", {password!r}, tier=poster)
write_pictures(crowd, 1100, heights=[100])
move = propose_move(accounts=User.objects.filter(pk=alice.pk), target=poster, by=root)
save_for_later(move, by=root)
count_if_due()
"""
_shots = count(1)


@dataclass
class Tour:
    """A walk of staff through their pages, in one language.

    SCREENSHOTS names a folder for what they look like.
    """

    page: Page
    url: str
    language: str
    has_axe: bool
    problems: list[str] = field(default_factory=list)

    def go(self, address: str) -> None:
        self.page.goto(f"{self.url}/admin/{address}")

    def look(self, state: str) -> None:
        """Look at the page as it is now."""
        # Colours are the same at both widths.
        states: list[tuple[Scheme, Sequence[int]]] = [("light", WIDTHS), ("dark", WIDTHS[:1])]
        for scheme, widths in states if self.has_axe else []:
            self.problems += find_violations(
                self.page,
                f"{self.language}, {state}",
                widths=widths,
                schemes=[scheme],
                exclude=_DJANGOS,
            )
        if folder := os.environ.get("SCREENSHOTS"):
            self._shoot(Path(folder), state)

    def _shoot(self, folder: Path, state: str) -> None:
        screens: list[tuple[str, int, Scheme]] = [
            ("desktop", 1440, "light"),
            ("phone", 390, "dark"),
        ]
        for name, width, scheme in screens:
            self.page.set_viewport_size({"width": width, "height": 850})
            self.page.emulate_media(color_scheme=scheme)
            file = f"{next(_shots):02}-{self.language}-{state}-{name}.png".replace(" ", "-")
            self.page.screenshot(path=folder / file, full_page=True)

    def says(self, *texts: str) -> None:
        for text in texts:
            expect(self.page.locator("#container")).to_contain_text(text)

    def press(self, name: str) -> None:
        self.page.locator(f"[name={name}]").first.click()


WORDS = {
    "en": {
        "home": ["Uploads today", "By tier", "Failed pictures, by reason", "Its file is missing."],
        "doubts": ["So small a thumbnail shows nothing."],
        "plan": ["allowed less by this plan.", "People who lose their originals"],
        "announced": ["Applies itself:", "People told:"],
        "account": ["Newest pictures", "Newest links", "Newest sessions", "chosen accounts"],
        "moved": ["Done"],
        "many": ["1100"],
        "failed": ["Its file is missing."],
        "roles": ["Support", "Moderation", "Superusers"],
        "log": ["Signed in"],
        "factor": ["Add one, and you are ready"],
        "codes": ["These are your recovery codes"],
        "end": ["protected"],
    },
    "es": {
        "home": ["Subidas hoy", "Por plan", "Falta su archivo."],
        "doubts": ["Una miniatura tan pequeña no muestra nada."],
        "plan": ["permite menos"],
        "announced": ["Se aplica solo:", "Personas avisadas:"],
        "account": ["Imágenes más recientes", "Cambios planificados"],
        "moved": ["Terminado"],
        "many": ["1100"],
        "failed": ["Falta su archivo."],
        "roles": ["Support", "Moderation"],
        "log": ["Entró"],
        "factor": ["Añada uno"],
        "codes": ["códigos de recuperación"],
        "end": ["protegido"],
    },
}


@pytest.fixture(scope="module")
def alice(service: Service) -> str:
    """Return an account with pictures, beside all that the pages show of others."""
    login = service.create_account("Enterprise")
    service.upload(login, photo(), photo(500, 700))
    service.run_program(_SEED.format(password=PASSWORD, alice=login))
    return login


@pytest.fixture(params=["en", pytest.param("es", marks=pytest.mark.nightly)])
def tour(request: pytest.FixtureRequest, service: Service, browser: Browser) -> Iterator[Tour]:
    context = browser.new_context(
        locale=request.param, viewport={"width": 1440, "height": 900},
        extra_http_headers=new_address(),
    )  # fmt: skip
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        # What has no address is axe's own style, which the policy forbids.
        lambda message: (
            wrong.append(message.text)
            if "Policy" in message.text and message.location["url"]
            else None
        ),
    )
    tour = Tour(page, service.url, request.param, has_axe=request.param == "es")
    yield tour
    context.close()
    assert wrong == []


def test_staff_use_their_pages(tour: Tour, alice: str) -> None:
    page, words = tour.page, WORDS[tour.language]
    tour.go("")
    tour.look("sign-in")
    page.locator("#id_username").fill(f"root-{tour.language}")
    page.locator("#id_password").fill(PASSWORD)
    page.locator("[type=submit]").click()

    tour.says(*words["home"])
    expect(page.locator(".home svg").first).to_be_visible()
    for each in page.locator(".home details").all():
        each.locator("summary").click()
    tour.look("home")

    tour.go(f"accounts/user/?q={alice}")
    tour.look("accounts")
    page.get_by_role("link", name=alice, exact=True).click()
    tour.says(*words["account"])
    page.locator(".strip").scroll_into_view_if_needed()
    expect(page.locator(".strip img").first).to_have_js_property("complete", value=True)
    tour.look("account")

    tour.go("tiers/tier/")
    tour.look("tiers")
    page.get_by_role("link", name="Poster", exact=True).click()
    page.locator("#id_grants_original").uncheck()
    page.locator("#id_heights-0-height").fill("5")
    page.locator("[name=_save]").click()
    tour.says(*words["doubts"])
    tour.look("tier with doubts")
    page.locator("#id_heights-0-height").fill("120")
    page.locator("[name=_save]").click()
    tour.says(*words["plan"])
    tour.look("plan")
    page.locator("#id_effective_at").fill("2126-01-31T06:00")
    tour.press("warn")
    tour.says(*words["announced"])
    tour.look("announced plan")
    tour.press("discard")
    tour.look("withdrawn plan")
    tour.go("plans/tierplan/")
    tour.look("plans")

    move_one_account(tour, "carol", words)
    tour.go("tiers/tier/")
    page.get_by_role("link", name="Poster", exact=True).click()
    page.locator(".deletelink").click()
    tour.says(*words["end"])
    tour.look("end of a tier")

    tour.go("images/picture/?rendering__exact=failed")
    tour.look("pictures")
    page.locator("#result_list tbody tr").first.locator("th a").click()
    tour.says(*words["failed"])
    tour.look("failed picture")

    delete_many(tour, words)
    tour.go("roles/")
    tour.says(*words["roles"])
    tour.look("roles")
    tour.go("accounts/securityevent/")
    tour.says(*words["log"])
    tour.look("security log")
    add_second_factor(tour, words)
    assert tour.problems == []


def move_one_account(tour: Tour, login: str, words: dict[str, list[str]]) -> None:
    """Plan the move of an account on its page, and have it done while the page is looked at."""
    page = tour.page
    tour.go(f"accounts/user/?q={login}")
    page.get_by_role("link", name=login, exact=True).click()
    # The two languages come in any order.
    target = (
        "Poster" if page.locator("#id_tier option:checked").inner_text() == "Small" else "Small"
    )
    page.locator("#id_tier").select_option(label=target)
    page.locator("[name=_save]").click()
    expect(page.locator(".plan .facts strong")).to_contain_text(target)
    tour.press("apply")
    expect(page.locator(".plan .facts .state")).to_have_text(words["moved"][0], timeout=60_000)
    tour.look("plan that is done")


def delete_many(tour: Tour, words: dict[str, list[str]]) -> None:
    """Choose all of more than one page of pictures, and look at what their deletion comes to."""
    page = tour.page
    tour.go("images/picture/?owner=crowd")
    page.locator("#action-toggle").check()
    page.locator(".actions .question a").click()
    page.locator("[name=action]").select_option("delete_selected")
    page.locator(".actions [name=index]").click()
    tour.says(*words["many"])
    tour.look("deletion of many")


def add_second_factor(tour: Tour, words: dict[str, list[str]]) -> None:
    page = tour.page
    tour.go("second-factor/")
    tour.says(*words["factor"])
    expect(page.locator(".qr-code svg")).to_be_visible()
    tour.look("adding a second factor")
    secret = re.sub(r"\s", "", page.locator(".secret code").inner_text())
    page.locator("[name=code]").fill(code_of(base64.b32decode(secret).hex()))
    page.locator("[value=add]").click()
    tour.says(*words["codes"])
    tour.look("recovery codes")
