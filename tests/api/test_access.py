"""Who gets what: every route, person by person, for each visibility and each tier."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import resolve
from PIL import Image

from images.links import LinkToken, write_token
from images.models import Link, Picture
from images.services import activate
from images.signed_urls import signed_path
from tests.api.access_table import PEOPLE, ROWS, TIERS, VISIBILITIES, Row
from tests.api.routes import routes
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_picture, make_user, token_client
from tests.factories import tier as tier_of
from tests.pictures import jpeg, png
from thumbnails.models import Thumbnail

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

SIZE = (640, 500)
TOLD = jpeg(*SIZE, comment=b"taken at home")


def contents(response):
    return response.getvalue()


def is_listed(response, picture):
    """A list names pictures by `id`; one of thumbnails has `image_id` beside it."""
    return picture.pk in {each.get("image_id", each["id"]) for each in response.json()}


def is_clean(response, picture):
    sent = contents(response)
    return b"taken at home" not in sent and Image.open(io.BytesIO(sent)).size == SIZE


def is_best_thumbnail(response, picture):
    best = picture.thumbnails.latest("height")
    return len(contents(response)) == best.bytes


# By the word of an outcome: whether a response gave what the word says.
OUTCOMES: dict[str, Callable[[Response, Picture], bool]] = {
    "original": lambda response, picture: contents(response) == TOLD,
    "clean": is_clean,
    "thumbnail": is_best_thumbnail,
    "name": lambda response, picture: response.json()["image"] == picture.file_name,
    "address": lambda response, picture: response.json()["image"].startswith("http://testserver/"),
    "listed": is_listed,
    "unlisted": lambda response, picture: not is_listed(response, picture),
    "avatar": lambda response, picture: response["Location"].startswith("/avatars/"),
    "default": lambda response, picture: response["Location"] == "/images/default/default.png",
}


def people_of(tier):
    """A client for each of PEOPLE, and the owner."""
    tier_of("Premium")  # new accounts get it
    accounts = {name: make_user(name, tier) for name in ("owner", "member", "stranger")}
    accounts["staff"] = make_user("staff", "Basic", is_staff=True)
    clients = {name: token_client(account) for name, account in accounts.items()}
    return {**clients, "anonymous": Client()}, accounts["owner"]


def known_ids(owner, picture, active):
    """What the braces of the table stand for."""
    link = Link.objects.create(
        picture=picture, maker=owner, expires_at=datetime(2999, 1, 1, tzinfo=UTC)
    )
    expires = int(link.expires_at.timestamp())
    return {
        "account": str(owner.pk),
        "picture": str(picture.pk),
        "uuid": str(picture.uid),
        "file": picture.file_name,
        "thumbnail": str(picture.thumbnails.get(height=200).pk),
        "avatar": active.thumbnails.get(height=200).key.rsplit("/", 1)[-1],
        "signed": signed_path(picture.key),
        "link": write_token(LinkToken(link.pk, expires)),
        "password": PASSWORD,
    }


def guesses(known):
    """What somebody who knows none of it would try in its place."""
    return {
        "account": "00000000-0000-4000-8000-000000000000",
        "picture": str(int(known["picture"]) + 1000),
        "uuid": "00000000-0000-4000-8000-000000000000",
        "file": "guessed.jpg",
        "thumbnail": str(Thumbnail.objects.latest("pk").pk + 1000),
        "avatar": "guessed.jpg",
        "signed": known["signed"][:-1] + ("A" if known["signed"][-1] != "A" else "B"),
        "link": "1.zzzzzz.AAAAAAAAAAAAAAAAAAAAAA",
        "password": PASSWORD,
    }


def ask(client, row: Row, ids):
    path = row.path.format(**ids)
    body = {name: value.format(**ids) for name, value in row.body.items()}
    if row.file_field:
        form = {**body, row.file_field: SimpleUploadedFile("x.png", png(8, 8))}
        return client.post(path, form)
    sent = json.dumps(body) if body else ""
    return client.generic(row.method, path, sent, content_type="application/json")


def outcome(response, expected, picture):
    """Return what came back as the table writes it."""
    status, _, word = expected.partition(" ")
    given = str(response.status_code)
    if not word or given != status:
        return given
    return f"{given} {word}" if OUTCOMES[word](response, picture) else f"{given} not {word}"


@pytest.mark.parametrize(("visibility", "tier"), list(product(VISIBILITIES, TIERS)))
def test_everybody_gets_what_the_table_says(visibility, tier, django_capture_on_commit_callbacks):
    clients, owner = people_of(tier)
    with django_capture_on_commit_callbacks(execute=True):
        picture, active = (make_picture(owner, TOLD, visibility=visibility) for _ in range(2))
        activate(active)
    known = known_ids(owner, picture, active)
    wrong = []
    for row, person in product(ROWS, PEOPLE):
        expected = row.expected(person, visibility, tier)
        with transaction.atomic():
            ids = guesses(known) if person == "stranger" else known
            given = outcome(ask(clients[person], row, ids), expected, picture)
            transaction.set_rollback(True)
        if given != expected:
            wrong.append(f"{row.method} {row.path} {person}: {given}, expected {expected}")
    assert not wrong, "\n".join(wrong)


# --- The table is complete ------------------------------------------------------------------------


def methods_of(view):
    """Return the methods of a view; HEAD and OPTIONS come with the others."""
    if not hasattr(view, "view_class"):
        return set()
    names = {"get", "post", "put", "patch", "delete"}
    return {name.upper() for name in names if hasattr(view.view_class, name)}


@pytest.fixture
def asked(alice, django_capture_on_commit_callbacks):
    """Each row's view and route, found as a request would find them."""
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, TOLD)
    known = known_ids(alice, picture, picture)
    return [(row, resolve(row.path.format(**known).partition("?")[0])) for row in ROWS]


def test_every_route_has_a_row(asked):
    assert {match.route for _, match in asked} == set(routes())


def test_every_method_of_a_route_has_a_row(asked):
    there = {(row.method, match.route) for row, match in asked}
    wanted = {(method, match.route) for _, match in asked for method in methods_of(match.func)}
    assert wanted - there == set()
