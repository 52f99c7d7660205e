"""Sockets send what `docs/asyncapi.yaml` documents, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema_rs
import pytest
import yaml

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.services import sign_out
from accounts.sessions import open_bearer_session
from accounts.token_authentication import authenticate_jwt
from images.links import count_opening, make_link
from images.services import activate, delete_picture, update_picture
from notifications import events
from notifications.account_news import announce_to_accounts
from notifications.models import PictureEvent
from notifications.sockets import close_codes
from tests.factories import make_picture
from tests.notifications.sockets.clients import bearer
from tests.notifications.sockets.in_process import Sockets
from tests.thumbnails.rows import use_up_attempts
from thumbnails.deletion import delete_all
from thumbnails.services import ensure_thumbnails

DOCS = Path(__file__).parent.parent.parent / "docs"
DOCUMENT = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())
MESSAGES = DOCUMENT["components"]["messages"]
PAYLOADS = {
    "pictureHappened": events.PictureChanged,
    "linkOpened": events.LinkOpened,
    "picturesCleared": events.PicturesCleared,
    "plannedChangesUpdated": events.PlannedChangesUpdated,
    "eventsReset": events.EventsReset,
    "sessionEnded": events.SessionEnded,
}


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def check(message: dict[str, Any], operation: str) -> None:
    """Validate a message against the schemas of an operation."""
    sent = DOCUMENT["operations"][operation]["messages"]
    payloads = [resolve(each)["payload"] for each in sent]
    schema = {"oneOf": payloads, "components": DOCUMENT["components"]}
    jsonschema_rs.Draft7Validator(schema, validate_formats=True).validate(message)


def references(node: object) -> Iterator[dict[str, str]]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node
        node = node.values()
    if isinstance(node, list | type({}.values())):
        for each in node:
            yield from references(each)


def test_every_reference_resolves() -> None:
    found = list(references(DOCUMENT))
    assert found
    for reference in found:
        assert resolve(reference)


@pytest.mark.parametrize("name", MESSAGES)
def test_every_schema_is_valid(name: str) -> None:
    schema = resolve(MESSAGES[name]["payload"])
    jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_typed_payloads_are_the_documented_ones(name: str) -> None:
    schema, typed = resolve(MESSAGES[name]["payload"]), PAYLOADS[name]
    hints = get_type_hints(typed)
    assert set(hints) == set(schema["properties"]) == set(schema["required"])
    documented = schema["properties"]["type"]
    assert set(get_args(hints["type"])) == set(documented.get("enum", [documented.get("const")]))


def test_the_typed_picture_is_the_documented_one() -> None:
    schema = DOCUMENT["components"]["schemas"]["picture"]
    assert set(get_type_hints(events.PictureFacts)) == set(schema["properties"])


def test_every_close_code_is_in_the_events_page() -> None:
    guide = (DOCS / "events.md").read_text()
    codes = [
        each.code
        for each in vars(close_codes).values()
        if isinstance(each, close_codes.CloseReason)
    ]
    assert len(codes) == 8
    assert [code for code in codes if f"| {code} |" not in guide] == []


def everything_happens(alice: User, token: str) -> None:
    """Cause an event of every type, in turn."""
    picture = make_picture(alice)
    activate(picture)
    update_picture(picture, description="A hill", visibility="public")
    use_up_attempts(picture)
    ensure_thumbnails(picture.pk)
    count_opening(make_link(maker=alice, picture=picture, seconds=300)[0])
    delete_picture(picture)
    make_picture(alice)
    delete_all(alice.pk)
    announce_to_accounts([alice.pk], "planned_changes.updated")
    sign_out(authenticate_jwt(token, "bearer"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_every_sent_message_is_documented_and_every_documented_one_is_sent(
    sockets: Sockets, alice: User
) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    make_picture(alice)
    PictureEvent.objects.all().delete()
    with (
        sockets.open("?since=1", additional_headers=bearer(token)) as socket,
        sockets.of(alice, "?format=update-pictures") as other,
    ):
        messages = [socket.next()]
        everything_happens(alice, token)
        while messages[-1]["type"] != "session.ended":
            messages.append(socket.next())
        update_messages = [other.next()]
        while update_messages[-1]["message"]:
            update_messages.append(other.next())
    for each in messages:
        check(each, "hear")
    for each in update_messages:
        check(each, "hearAllPictures")
    documented = {
        kind for typed in PAYLOADS.values() for kind in get_args(get_type_hints(typed)["type"])
    }
    assert {each["type"] for each in messages} == documented
