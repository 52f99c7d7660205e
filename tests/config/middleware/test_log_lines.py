"""How much a request writes into the log where nothing is wrong."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import SecurityEvent, User
from tests.clients import Client
from tests.factories import PASSWORD, make_tier, make_user, token_client
from tests.pictures import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
Taken = Callable[[], list[str]]


@pytest.fixture
def take_lines(caplog: pytest.LogCaptureFixture) -> Iterator[Taken]:
    """Return what was written at INFO or above since the last call, by the worker too."""

    def take() -> list[str]:
        # Beside the line that each request has (tests/config/middleware/test_request_log.py).
        own = [each for each in caplog.records if each.name != "tintype.requests"]
        lines = [each.getMessage() for each in own]
        caplog.clear()
        return lines

    with caplog.at_level(logging.INFO):
        yield take


def test_a_request_writes_at_most_one_line_and_none_of_the_security_log_is_lost(
    take_lines: Taken,
) -> None:
    make_tier("Large", heights=[400, 200], grants_links=True)
    alice = make_user("alice", "Large")
    client = token_client(alice)
    take_lines()

    file = SimpleUploadedFile("p.jpg", jpeg(900, 700), "image/jpeg")
    uploaded = client.post("/api/user/images/", {"image": file})
    assert uploaded.status_code == 201
    [line] = take_lines()
    assert line.endswith(": 2 thumbnails")

    assert client.get("/api/user/images/").status_code == 200
    assert take_lines() == []

    assert client.get(f"/api/user/link/{uploaded.json()['id']}/?time=300").status_code == 200
    [line] = take_lines()
    assert line.startswith("link.made {")

    body = {"login": "alice", "password": PASSWORD}
    browser = Client()
    assert browser.post("/auth/signin", body, content_type="application/json").status_code == 200
    [line] = take_lines()
    assert line.startswith("sign-in {")


def test_what_one_request_causes_is_one_line_that_names_each_event(
    alice: User, take_lines: Taken
) -> None:
    client = token_client(alice)
    take_lines()
    SecurityEvent.objects.all().delete()
    body = {"password": PASSWORD}
    left = client.delete("/api/user/account/", body, content_type="application/json")
    assert left.status_code in {200, 202, 204}, left.content
    [line] = take_lines()
    kind, _, text = line.partition(" ")
    told = json.loads(text)
    rows = list(SecurityEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert len(rows) > 1
    assert kind == told["event"] == rows[0]
    assert [each["event"] for each in told["also"]] == rows[1:]
    assert told["account"] == str(alice.pk)
    # Said once, where it is the same of all.
    assert not any("account" in each or "address" in each for each in told["also"])
