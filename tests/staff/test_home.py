"""The admin's first page: figures, plots and tables, for each what he or she may see."""

import re
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from config.health import views
from config.health.probes import Probe
from images.models import Picture
from notifications.models import OutboxMessage, PictureEvent
from staff import home
from staff.counting import count_if_due
from staff.models import Day
from staff.plots import HEIGHT, draw_columns, round_up
from tests.clients import Client
from tests.factories import make_staff, make_user
from tests.rows import make_row

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PICTURES, ACCOUNTS = {"pictures", "stored", "uploads today", "failed pictures"}, {"accounts"}


def fill(alice: User, days: int = 3) -> None:
    now = timezone.now()
    for back in range(1, days + 1):
        Day.objects.create(
            date=(now - timedelta(days=back)).date(), uploads=1200 + back, openings=back,
            counted_at=now, tiers=[["Basic", 1, 2, 3 * 1024**2, 0, 0]],
        )  # fmt: skip
    for number in range(2 * days):
        make_row(alice, rendering="failed", render_failure=f"Reason {number % 3}")
        make_row(alice)
        OutboxMessage.objects.create(body="secret")
    count_if_due()


def texts(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def tiles(page: str) -> set[str]:
    return {each.lower() for each in re.findall(r"<dt>([^<]+)</dt>", page)}


def test_the_first_page_says_how_the_service_is(admin_client: Client, alice: User) -> None:
    fill(alice)
    PictureEvent.objects.create(owner=alice, sequence=99, type="picture.created")
    page = admin_client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
    shown = texts(page)
    for text in (
        "Pictures 12", "Uploads today 1 ", "Live links 0", "Failed pictures 6",
        "Messages in the outbox 6 the first for", "Pictures that wait for thumbnails 6",
        "Reason 0 2", "1,203", "3.0 MB", "Counted 0 s ago.", "Newest accounts", "alice",
    ):  # fmt: skip
        assert text in shown, text
    assert page.count('<svg viewBox="0 0 600 100"') == 3
    assert page.count("<details>") == 3
    assert "secret" not in page


def test_the_first_page_takes_the_same_queries_however_much_there_is(
    admin_client: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(14) as few:
        admin_client.get("/admin/")
    fill(alice, days=29)
    for number in range(8):
        make_user(f"user-{number}")
    with django_assert_max_num_queries(15) as many:
        admin_client.get("/admin/")
    assert len(many) <= len(few) + 1
    tables = " ".join(each["sql"] for each in many.captured_queries if "LIMIT" not in each["sql"])
    assert "COUNT(" not in tables
    assert "SUM(" not in tables


def test_whatever_is_queued_is_counted_up_to_a_bound(
    alice: User, staff: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "MAX_COUNTED", 2)
    monkeypatch.setattr(home, "MAX_FAILURES", 2)
    for _ in range(3):
        make_row(alice)
        make_row(alice, rendering="failed")
    found = home.find_home(staff)
    assert (found.queue.count, found.queue.is_more) == (2, True)
    assert found.failures
    assert (found.failures.count, found.failures.is_more) == (2, True)


@pytest.mark.parametrize(
    ("permission", "seen", "plots"),
    [
        ("", set(), 0),
        ("images.view_picture", PICTURES, 2),
        ("accounts.view_user", ACCOUNTS, 0),
        ("images.view_link", {"live links", "openings today"}, 1),
        ("accounts.view_session", {"live sessions"}, 0),
    ],
)
def test_staff_see_figures_of_what_they_may_see(
    alice: User, permission: str, seen: set[str], plots: int
) -> None:
    fill(alice)
    client = Client()
    client.force_login(make_staff("clerk", *[permission] if permission else []))
    page = client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
    assert tiles(page) == seen | {"pictures that wait for thumbnails", "messages in the outbox"}
    assert page.count('<svg viewBox="0 0 600 100"') == plots
    assert ("alice" in page) == (permission == "accounts.view_user")
    assert ("Reason 0" in page) == (permission == "images.view_picture")


def wait_for_release(released: threading.Event) -> None:
    released.wait(20)


def test_a_part_that_hangs_is_said_and_not_waited_for(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setitem(views._PROBES, "broker", Probe(lambda: wait_for_release(released)))
    monkeypatch.setitem(views._PROBES, "storage", Probe(lambda: None))
    began = time.monotonic()
    try:
        page = admin_client.get("/admin/", headers={"Accept-Language": "es"}).content.decode()
    finally:
        released.set()
    assert time.monotonic() - began < 15
    assert "Cola de mensajes: no responde" in texts(page).replace(" :", ":")
    assert "Almacenamiento: responde" in texts(page).replace(" :", ":")


def test_old_counts_are_said_to_be_old(admin_client: Client) -> None:
    english = {"Accept-Language": "en"}
    assert "Nothing has been counted yet" in admin_client.get("/admin/", headers=english).text
    count_if_due()
    Day.objects.update(counted_at=timezone.now() - timedelta(hours=3))
    assert "Counted 3 h ago: no worker has" in admin_client.get("/admin/", headers=english).text


def test_the_first_page_is_in_spanish(admin_client: Client, alice: User) -> None:
    fill(alice)
    shown = texts(admin_client.get("/admin/", headers={"Accept-Language": "es"}).text).lower()
    for english in (
        "pictures",
        "stored",
        "uploads",
        "accounts",
        "counted",
        "tier ",
        "reason ",
        "links",
    ):
        assert english not in shown.replace("reason 0", "").replace("reason 1", "").replace(
            "reason 2", ""
        ), english
    assert "bytes guardados" in shown


def test_nothing_on_the_first_page_needs_what_its_policy_forbids(
    admin_client: Client, alice: User
) -> None:
    fill(alice)
    page = admin_client.get("/admin/").content.decode()
    assert re.findall(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:", page) == []


# --- Plots ----------------------------------------------------------------------------------------


def test_columns_stand_on_each_other_and_reach_the_top_at_most() -> None:
    plot = draw_columns("n", "N", ["a", "b"], [("1", [3, 1]), ("2", [0, 0]), ("3", None)])
    first, second, third = plot.columns
    assert [(each.series, each.y, each.height) for each in first.blocks] == [
        (0, 25.0, 75.0), (1, 0.0, 25.0)
    ]  # fmt: skip
    assert all(each.y + each.height <= HEIGHT for each in first.blocks)
    assert (second.blocks, third.blocks, third.texts) == ([], [], ["–", "–"])
    assert plot.ticks == ["4", "2", "0"]


@pytest.mark.parametrize(
    ("amount", "base", "top"),
    [(0, 10, 2), (3, 10, 4), (4, 10, 4), (5, 10, 10), (1201, 10, 2000), (999, 10, 1000),
     (3 * 1024**2, 1024, 4 * 1024**2), (401 * 1024, 1024, 1024**2), (1025, 1024, 2048)],
)  # fmt: skip
def test_an_axis_ends_at_a_round_amount(amount: int, base: int, top: int) -> None:
    assert round_up(amount, base) == top


def test_the_failed_are_shown_by_a_click(admin_client: Client, alice: User) -> None:
    fill(alice)
    page = admin_client.get("/admin/").content.decode()
    [address] = re.findall(r'href="(/admin/images/picture/\?[^"]+)"', page)
    listed = admin_client.get(address).context["cl"].result_list
    assert {each.rendering for each in listed} == {Picture.Rendering.FAILED}
    assert len(listed) == 6
