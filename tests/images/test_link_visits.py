"""Openings of links that ask first: what one visit spends, and how long its pass is good."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from django.utils.http import int_to_base36

from accounts.models import User
from images.exceptions import LinkGone
from images.link_visits import (
    VISIT_LIFETIME,
    delete_past_visits,
    has_opened,
    is_valid_pass,
    spend_opening,
    write_pass,
)
from images.links import make_link
from images.models import Link, LinkVisit, Picture
from images.services import delete_picture
from images.signals import link_first_opened, links_opened
from lib.signing import make_signature
from tests.rows import make_row

pytestmark = pytest.mark.django_db
MOMENT = timedelta(seconds=1)


@pytest.fixture
def links(alice: User) -> list[Link]:
    """Two to one picture, of two openings each."""
    picture = make_row(alice)
    return [make_link(maker=alice, picture=picture, seconds=300, max_opens=2)[0] for _ in range(2)]


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What is told of openings: how many, and of which link it was the first."""
    found: list[str] = []

    def count(count: int, **_: object) -> None:
        found.append(f"{count} opened")

    def note_first(link_id: int, **_: object) -> None:
        found.append(f"first of {link_id}")

    links_opened.connect(count)
    link_first_opened.connect(note_first)
    yield found
    links_opened.disconnect(count)
    link_first_opened.disconnect(note_first)


def opened() -> list[int]:
    return list(Link.objects.order_by("pk").values_list("opened", flat=True))


def current(link: Link) -> Link:
    return Link.objects.get(pk=link.pk)


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


def test_each_visit_spends_one_opening_until_none_is_left(
    links: list[Link], told: list[str]
) -> None:
    link, other = links
    before = timezone.now()
    for number in (1, 2):
        end = spend_opening(current(link), uuid4())
        assert timedelta(0) <= end - VISIT_LIFETIME - before < timedelta(minutes=1)
        assert opened() == [number, 0]
    with pytest.raises(LinkGone):
        spend_opening(current(link), uuid4())
    assert opened() == [2, 0]
    assert told == [f"first of {link.pk}", "1 opened", "1 opened"]
    at = current(link).last_opened_at
    assert at
    assert before <= at <= timezone.now()
    assert current(other).last_opened_at is None


def test_two_visitors_with_the_page_of_an_unopened_link_open_it_first_once(
    links: list[Link], told: list[str]
) -> None:
    """Both rows were read before either press."""
    for each in (current(links[0]), current(links[0])):
        spend_opening(each, uuid4())
    assert told.count(f"first of {links[0].pk}") == 1
    assert opened() == [2, 0]


def test_a_visit_spends_again_once_its_time_is_over_and_not_before(
    links: list[Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, visit = timezone.now(), uuid4()
    end = spend_opening(current(links[0]), visit)
    for later, spent in ((MOMENT, 1), (VISIT_LIFETIME + MOMENT, 2), (VISIT_LIFETIME * 2, 2)):
        set_clock(monkeypatch, now + later)
        again = spend_opening(current(links[0]), visit)
        assert opened() == [spent, 0]
        assert again == end if spent == 1 else again > end
    assert LinkVisit.objects.count() == 1


def test_one_visit_at_two_links_spends_one_opening_of_each(links: list[Link]) -> None:
    visit = uuid4()
    assert not has_opened(links[0], visit)
    spend_opening(current(links[0]), visit)
    assert [has_opened(each, visit) for each in links] == [True, False]
    assert not has_opened(links[0], uuid4())
    spend_opening(current(links[1]), visit)
    assert opened() == [1, 1]


def test_what_a_visit_opened_is_open_to_it_for_a_minute(
    links: list[Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, visit = timezone.now(), uuid4()
    spend_opening(current(links[0]), visit)
    for later, is_open in ((VISIT_LIFETIME - MOMENT, True), (VISIT_LIFETIME + MOMENT, False)):
        set_clock(monkeypatch, now + later)
        assert has_opened(links[0], visit) is is_open


@pytest.mark.parametrize("past", ["expires_at", "revoked_at"])
@pytest.mark.parametrize("was_opened", [False, True])
def test_a_link_that_is_over_spends_nothing_though_it_was_read_before(
    links: list[Link], past: str, was_opened: bool
) -> None:
    link, other = links
    if was_opened:
        spend_opening(current(link), uuid4())
    read, before = current(link), opened()
    Link.objects.filter(pk=link.pk).update(**{past: timezone.now()})
    with pytest.raises(LinkGone):
        spend_opening(read, uuid4())
    assert opened() == before
    spend_opening(current(other), uuid4())


def test_a_link_whose_picture_went_meanwhile_is_gone(links: list[Link]) -> None:
    read = current(links[0])
    delete_picture(Picture.objects.get(pk=read.picture_id))
    with pytest.raises(LinkGone):
        spend_opening(read, uuid4())


def test_a_pass_is_good_for_its_link_until_its_end(
    links: list[Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    link = links[0]
    end = timezone.now() + VISIT_LIFETIME
    text = write_pass(link, end)
    assert [is_valid_pass(each, text) for each in links] == [True, False]
    expires, _, signature = text.partition(".")
    later = int_to_base36(int(expires, 36) + 1)
    forged = [f"{later}.{signature}", expires, f"{expires}.", "", ".", f".{signature}"]
    assert not any(is_valid_pass(link, each) for each in forged)
    # A signature for another purpose opens nothing.
    wrong = make_signature("link", f"{link.pk}.{expires}")
    assert not is_valid_pass(link, f"{expires}.{wrong}")
    for moment, is_valid in ((end - MOMENT, True), (end, True), (end + MOMENT, False)):
        set_clock(monkeypatch, moment)
        assert is_valid_pass(link, text) is is_valid


def test_visits_are_forgotten_once_their_pass_is_over(links: list[Link]) -> None:
    spend_opening(current(links[0]), uuid4())
    kept = LinkVisit.objects.get()
    past = timezone.now() - VISIT_LIFETIME - MOMENT
    LinkVisit.objects.create(link_id=links[0].pk, visit=uuid4(), opened_at=past)
    assert delete_past_visits() == 1
    assert list(LinkVisit.objects.all()) == [kept]
