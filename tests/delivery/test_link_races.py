"""Two web processes and one link."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requests

from accounts.models import User
from accounts.services import disable, move_to_tier
from images.links import make_link
from images.models import Link, LinkVisit, Picture
from images.services import delete_picture
from tests.factories import make_picture, make_user, tier
from tests.granian import run_granian
from tests.pictures import png
from tests.processes import Running

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgres,
    pytest.mark.processes,
    pytest.mark.nightly,
]
ROUNDS = 25
BYTES = png(30, 20)


def at_once(calls: Sequence[Callable[[], requests.Response]]) -> list[requests.Response]:
    """Make each call in a thread of its own, all at the same moment."""
    start = threading.Barrier(len(calls), timeout=30)

    def run(call: Callable[[], requests.Response]) -> requests.Response:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def link_to(picture: Picture, openings: int) -> tuple[Link, str]:
    link, token = make_link(maker=picture.owner, picture=picture, seconds=300, max_opens=openings)
    return link, f"/l/{token}"


def press(url: str, visit: str = "") -> requests.Response:
    return requests.post(url, data={"visit": visit}, allow_redirects=False, timeout=30)


def test_two_processes_spend_the_last_opening_once(alice: User, tmp_path: Path) -> None:
    picture = make_picture(alice, BYTES)
    first = run_granian(tmp_path, RATE_LIMITS="off")
    with first as one, run_granian(tmp_path, RATE_LIMITS="off") as two:
        urls = [one.url, two.url]
        visitors_race_for_the_last_opening(picture, urls)
        one_visitor_presses_at_both(picture, urls)
        a_revocation_is_seen_by_both(picture, urls)
        what_a_link_leads_to_is_kept_until_it_changes(picture, urls)
        openings_are_written_within_a_second_and_when_a_process_ends(picture, one, urls)


def visitors_race_for_the_last_opening(picture: Picture, urls: list[str]) -> None:
    for openings in [1] * ROUNDS + [3] * 5:
        link, address = link_to(picture, openings)
        calls = [partial(press, url + address) for url in urls * 3]
        answers = at_once(calls)
        won = [each for each in answers if each.status_code == 303]
        assert len(won) == openings
        assert {each.status_code for each in answers if each not in won} <= {410}
        link.refresh_from_db()
        assert link.opened == openings
        # The other process knows the pass too.
        for each in won:
            for url in urls:
                got = requests.get(url + address, cookies=each.cookies.get_dict(), timeout=30)
                assert (got.status_code, got.content) == (200, BYTES)


def one_visitor_presses_at_both(picture: Picture, urls: list[str]) -> None:
    """With the same visit, as after an answer that was lost."""
    for number in range(ROUNDS):
        link, address = link_to(picture, 1)
        visit = f"00000000-0000-4000-8000-{number:012}"
        calls = [partial(press, url + address, visit) for url in urls * 2]
        assert [each.status_code for each in at_once(calls)] == [303] * 4
        link.refresh_from_db()
        assert (link.opened, LinkVisit.objects.filter(link_id=link.pk).count()) == (1, 1)


def a_revocation_is_seen_by_both(picture: Picture, urls: list[str]) -> None:
    """At once, also by whoever has a pass."""
    for openings in (5, None):
        made, token = make_link(
            maker=picture.owner, picture=picture, seconds=300, max_opens=openings
        )
        address = f"/l/{token}"
        passes = press(urls[0] + address).cookies.get_dict() if openings else {}
        ask = [partial(requests.get, url + address, cookies=passes, timeout=30) for url in urls]
        assert [each().status_code for each in ask] == [200, 200]
        Link.objects.filter(pk=made.pk).revoke()
        revoked = time.monotonic()
        assert [each().status_code for each in ask] == [410, 410]
        assert time.monotonic() - revoked < 1


def statuses(address: str, urls: list[str], count: int = 1) -> set[int]:
    return {requests.get(url + address, timeout=30).status_code for url in urls * count}


def what_a_link_leads_to_is_kept_until_it_changes(picture: Picture, urls: list[str]) -> None:
    """Each process has it at hand, and whatever ends the link is heard before the next request."""
    for end in ("revoked", "deleted", "tier", "disabled"):
        owner = make_user(f"owner-{end}", "Enterprise")
        own = make_picture(owner, BYTES)
        link, token = make_link(maker=owner, picture=own, seconds=300)
        address = f"/l/{token}"
        assert statuses(address, urls, 10) == {200}
        if end == "revoked":
            Link.objects.filter(pk=link.pk).revoke()
        elif end == "deleted":
            delete_picture(own)
        elif end == "tier":
            move_to_tier(owner, tier("Premium"))
        else:
            disable(owner)
        assert statuses(address, urls, 3) == {410}, end
    # Past our services nothing is announced: a second is the limit.
    link, token = make_link(maker=picture.owner, picture=picture, seconds=300)
    assert statuses(f"/l/{token}", urls, 10) == {200}
    Link.objects.filter(pk=link.pk).update(revoked_at=link.created_at)
    ended = time.monotonic()
    kept = statuses(f"/l/{token}", urls)
    while statuses(f"/l/{token}", urls) != {410}:
        assert time.monotonic() - ended < 1.2
    assert kept == {200}


def openings_are_written_within_a_second_and_when_a_process_ends(
    picture: Picture, server: Running, urls: list[str]
) -> None:
    link, token = make_link(maker=picture.owner, picture=picture, seconds=300)
    assert statuses(f"/l/{token}", urls, 5) == {200}
    deadline = time.monotonic() + 5
    while Link.objects.get(pk=link.pk).opened < 10:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1.1)
    assert statuses(f"/l/{token}", urls[:1], 3) == {200}
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=30)
    assert Link.objects.get(pk=link.pk).opened == 13
