"""Links for a number of openings, whatever their visitors do and in whatever order.

LINK_EXAMPLES=2500 takes a hundred thousand steps, in ten minutes.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from accounts.models import User
from images.links import make_link
from images.models import Link, Picture
from tests.clients import Client, Response
from tests.factories import make_picture
from tests.pictures import png

EXAMPLES = int(os.environ.get("LINK_EXAMPLES", "25"))
STEPS = 40
PASSWORD = "the name of our boat"
BYTES = png(30, 20)
LIFETIME = timedelta(seconds=60)
visitors = st.integers(0, 2)


class Visitor:
    """What the model knows of one browser."""

    def __init__(self) -> None:
        self.client = Client()
        self.visit = ""
        self.pass_until: datetime | None = None


class OneTimeLink(RuleBasedStateMachine):
    """A link, three visitors, and what each must get."""

    picture: Picture
    steps = 0
    now = datetime(2030, 1, 1, tzinfo=UTC)

    @initialize(openings=st.integers(1, 3), password=st.sampled_from(["", PASSWORD]))
    def make(self, openings: int, password: str) -> None:
        type(self).now = datetime(2030, 1, 1, tzinfo=UTC)
        link, token = make_link(
            maker=self.picture.owner,
            picture=self.picture,
            seconds=300,
            max_opens=openings,
            password=password,
        )
        self.link, self.address, self.password = link, f"/l/{token}", password
        self.visitors = [Visitor() for _ in range(3)]
        self.opened_at: dict[str, datetime] = {}
        self.spent, self.openings, self.is_revoked = 0, openings, False

    # --- What happens -------------------------------------------------------------------------

    @rule(number=visitors, way=st.sampled_from(["GET", "HEAD", "Range", "If-None-Match"]))
    def look(self, number: int, way: str) -> None:
        visitor = self.visitors[number]
        response = self.ask(visitor.client, way)
        self.check_look(response, way, has_pass=self.has_pass(visitor))
        if found := re.search(r'name="visit" value="([^"]+)"', self.text(response)):
            visitor.visit = found[1]

    @rule(way=st.sampled_from(["GET", "HEAD", "Range"]))
    def preview(self, way: str) -> None:
        """A chat program looks at the address, from elsewhere."""
        self.check_look(self.ask(Client(), way), way, has_pass=False)

    @rule(
        number=visitors,
        is_known=st.booleans(),
        answers=st.sampled_from(["arrives", "lost", "lost, arrives", "arrives, arrives"]),
    )
    def press(self, number: int, is_known: bool, answers: str) -> None:
        """Press the button, and again; an answer may be lost on its way."""
        visitor = self.visitors[number]
        if is_known and not visitor.visit:
            self.look(number, "GET")
        form = {"visit": visitor.visit if is_known else "", "password": self.password}
        for answer in answers.split(", "):
            expected, until = self.expect_press(visitor, form["visit"])
            assert visitor.client.post(self.address, form).status_code == expected
            if until and answer == "arrives":
                visitor.pass_until = until
            elif until:
                visitor.client.cookies.clear()
                visitor.pass_until = None

    @rule(number=visitors)
    def guess(self, number: int) -> None:
        """Press with a wrong password: where one is asked, nothing is spent."""
        visitor = self.visitors[number]
        if not self.password or self.has_pass(visitor):
            return
        response = visitor.client.post(self.address, {"visit": visitor.visit, "password": "x"})
        is_gone = self.is_over() or (self.is_used_up() and not self.has_opened(visitor.visit))
        assert response.status_code == (410 if is_gone else 403)

    @rule(seconds=st.sampled_from([1, 20, 59, 60, 61, 120]))
    def wait(self, seconds: int) -> None:
        type(self).now += timedelta(seconds=seconds)

    @rule(chance=st.integers(0, 9))
    def revoke(self, chance: int) -> None:
        if chance == 0:
            Link.objects.filter(pk=self.link.pk).revoke()
            self.is_revoked = True

    # --- What must be so ----------------------------------------------------------------------

    @invariant()
    def no_opening_too_many_is_spent(self) -> None:
        type(self).steps += 1
        opened = Link.objects.values_list("opened", flat=True).get(pk=self.link.pk)
        assert opened == self.spent <= self.openings

    def expect_press(self, visitor: Visitor, visit: str) -> tuple[int, datetime | None]:
        """Return the status, and until when the visitor then has the bytes."""
        if self.is_over():
            return 410, None
        if self.has_pass(visitor):
            return 303, visitor.pass_until
        if self.has_opened(visit):
            return 303, self.opened_at[visit] + LIFETIME
        if self.is_used_up():
            return 410, None
        self.spent += 1
        if visit:
            self.opened_at[visit] = self.now
        return 303, self.now + LIFETIME

    def check_look(self, response: Response, way: str, *, has_pass: bool) -> None:
        if self.is_over() or (self.is_used_up() and not has_pass):
            assert response.status_code == 410
        elif not has_pass:
            assert response.status_code == 200
            assert response["Content-Type"].startswith("text/html")
        else:
            assert response.status_code == {"Range": 206}.get(way, 200)
            assert response["Content-Type"] == "image/png"
            whole = {"Range": BYTES[1:4], "HEAD": b""}.get(way, BYTES)
            assert response.getvalue() == whole

    def is_over(self) -> bool:
        return self.is_revoked or self.now >= self.link.expires_at

    def is_used_up(self) -> bool:
        return self.spent >= self.openings

    def has_pass(self, visitor: Visitor) -> bool:
        return visitor.pass_until is not None and self.now < visitor.pass_until

    def has_opened(self, visit: str) -> bool:
        at = self.opened_at.get(visit)
        return at is not None and at > self.now - LIFETIME

    def ask(self, client: Client, way: str) -> Any:
        headers = {"Range": {"Range": "bytes=1-3"}, "If-None-Match": {"If-None-Match": '"other"'}}
        ask = client.head if way == "HEAD" else client.get
        return ask(self.address, headers=headers.get(way, {}))

    @staticmethod
    def text(response: Response) -> str:
        is_page = response["Content-Type"].startswith("text/html")
        return response.content.decode() if is_page else ""


_bounds = hypothesis_settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # What fails has forty steps at most: short enough to read, and shrinking them takes minutes.
    phases=[Phase.generate],
)


@pytest.mark.unhurried
@pytest.mark.django_db
def test_no_order_of_events_spends_an_opening_too_many(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMITS = False
    OneTimeLink.picture = make_picture(alice, BYTES)
    monkeypatch.setattr("django.utils.timezone.now", lambda: OneTimeLink.now)
    run_state_machine_as_test(OneTimeLink, settings=_bounds)
    print(OneTimeLink.steps, "steps")  # noqa: T201 (a run by hand reports it)
    assert OneTimeLink.steps > 10 * EXAMPLES
