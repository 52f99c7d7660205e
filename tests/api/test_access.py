"""Who gets what: every route, person by person, for each visibility and each tier."""

import io
from collections.abc import Callable
from copy import deepcopy
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import resolve
from django.urls.resolvers import ResolverMatch
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.cookies import access_cookie, refresh_cookie
from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session, open_cookie_session
from images.models import Picture
from images.services import activate
from tests.api.access_requests import SIZE, UPLOAD, clients_of, guesses, known_ids, send
from tests.api.access_table import PEOPLE, ROWS, STAFF, TIERS, VISIBILITIES, Row
from tests.api.routes import routes
from tests.clients import Client, Response
from tests.factories import bearer_client, make_picture, make_staff, token_client
from tests.transactions import undone

# A thousand requests take minutes where the cores are busy.
pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(300)]


def cookie_client(user: User) -> Client:
    client, pair = Client(), open_cookie_session(user, RequestOrigin())
    client.cookies.load({access_cookie(): pair.access, refresh_cookie(): pair.refresh})
    return client


def bare_client(user: User) -> Client:
    return Client(headers={"Authorization": open_bearer_session(user, RequestOrigin())})


SCHEMES: dict[str, Callable[[User], Client]] = {
    "token": token_client, "bearer": bearer_client, "cookie": cookie_client, "bare": bare_client
}  # fmt: skip


def contents(response: Response) -> bytes:
    return response.getvalue()


def is_listed(response: Response, picture: Picture) -> bool:
    """A list names pictures by `id`; one of thumbnails has `image_id` beside it."""
    return picture.pk in {each.get("image_id", each["id"]) for each in response.json()}


def is_clean(response: Response, picture: Picture) -> bool:
    sent = contents(response)
    return b"taken at home" not in sent and Image.open(io.BytesIO(sent)).size == SIZE


def is_best_thumbnail(response: Response, picture: Picture) -> bool:
    best = picture.thumbnails.latest("height")
    return len(contents(response)) == best.bytes


def opened(response: Response) -> Response:
    """Open the address of the original in a browser that is not signed in."""
    return Client().get("/images/" + response.json()["image"].partition("/images/")[2])


# By the word of an outcome: whether a response gave what the word says.
OUTCOMES: dict[str, Callable[[Response, Picture], bool]] = {
    "original": lambda response, picture: contents(response) == UPLOAD,
    "clean": is_clean,
    "thumbnail": is_best_thumbnail,
    "name": lambda response, picture: response.json()["image"] == picture.file_name,
    "address": lambda response, picture: "://" in response.json()["image"],
    "address of upload": lambda response, picture: contents(opened(response)) == UPLOAD,
    "address of clean": lambda response, picture: is_clean(opened(response), picture),
    "listed": is_listed,
    "unlisted": lambda response, picture: not is_listed(response, picture),
    "reached": lambda response, picture: response.json()["not_found"] == [],
    "unreached": lambda response, picture: response.json()["not_found"] != [],
    "avatar": lambda response, picture: response["Location"].startswith("/avatars/"),
    "default": lambda response, picture: response["Location"] == "/images/default/default.png",
}


def outcome(response: Response, expected: str, picture: Picture) -> str:
    """Return what came back as the table writes it."""
    status, _, word = expected.partition(" ")
    given = str(response.status_code)
    if not word or given != status:
        return given
    return f"{given} {word}" if OUTCOMES[word](response, picture) else f"{given} not {word}"


# The closest to being wrong: a private picture, of an owner whom the tier gives everything.
CLOSEST = ("private", "Enterprise")
# Each visibility and each tier once: rows to which both are nothing are tried with these alone.
WITH_ALL_ROWS = {CLOSEST, ("members", "Premium"), ("public", "Basic")}
# And what gives the least and the most of all: whoever gets one answer with these gets no other
# with what lies between.
WITH_ALL_PEOPLE = {*WITH_ALL_ROWS, ("private", "Basic"), ("public", "Enterprise")}


def people_of(row: Row, visibility: str, tier: str) -> list[str]:
    """Return those whose answer another visibility or tier has not shown already."""
    pair = (visibility, tier)
    if pair == CLOSEST or (pair in WITH_ALL_PEOPLE and not row.is_indifferent):
        return [*PEOPLE]
    if row.is_indifferent:
        return row.people_of_each_outcome(visibility, tier) if pair in WITH_ALL_ROWS else []
    return [each for each in PEOPLE if not row.is_the_same_for(each)]


@pytest.mark.parametrize(
    ("visibility", "tier"),
    [
        pytest.param(*each, marks=[] if each == CLOSEST else pytest.mark.nightly)
        for each in product(VISIBILITIES, TIERS)
    ],
)
def test_everybody_gets_what_the_table_says(
    settings: Settings,
    visibility: str,
    tier: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.RATE_LIMITS = False  # they all send from one address
    clients, owner = clients_of(tier)
    with django_capture_on_commit_callbacks(execute=True):
        picture, active = (make_picture(owner, UPLOAD, visibility=visibility) for _ in range(2))
        activate(active)
    known = known_ids(owner, picture, active)
    wrong = []
    asked = [(row, each) for row in ROWS for each in people_of(row, visibility, tier)]
    for row, person in asked:
        expected = row.expected(person, visibility, tier)
        with undone():
            ids = guesses(known) if person == "stranger" else known
            given = outcome(send(clients[person], row, ids), expected, picture)
        if given != expected:
            wrong.append(f"{row.method} {row.path} {person}: {given}, expected {expected}")
    assert not wrong, "\n".join(wrong)


def test_no_other_permission_gives_staff_what_a_member_has_not(
    settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """All other permissions together, at every route that tells the owner from others."""
    settings.RATE_LIMITS = False
    _, owner = clients_of("Premium")
    with django_capture_on_commit_callbacks(execute=True):
        picture, active = (make_picture(owner, UPLOAD) for _ in range(2))
        activate(active)
    known, clerk = known_ids(owner, picture, active), make_staff("clerk", tier_name="Premium")
    client = token_client(clerk)
    telling = [
        (row, row.expected("member", "private", "Premium"))
        for row in ROWS
        if row.owner != row.member and row.expected("owner", "private", "Premium")[:2] == "20"
    ]
    assert len(telling) > 20
    others = [each for each in Permission.objects.all() if name_of(each) not in STAFF.values()]
    assert len(others) > 40
    clerk.user_permissions.set(others)
    wrong = []
    for row, expected in telling:
        with undone():
            given = outcome(send(client, row, known), expected, picture)
        if given != expected:
            wrong.append(f"{row.method} {row.path}: {given}")
    assert not wrong, "\n".join(wrong)


def test_without_a_required_second_factor_staff_are_members_at_every_route(
    settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """Superusers too; an account of staff is still none that deletes itself.

    By the schemes in turn: each of them at each route, and by each of these people.
    """
    settings.RATE_LIMITS, settings.STAFF_SECOND_FACTOR = False, "required"
    schemes = [*SCHEMES]
    _, owner = clients_of("Enterprise")
    accounts = {name: User.objects.get(username=name) for name in ("superuser", *STAFF)}
    clients = {
        (name, scheme): SCHEMES[scheme](account)
        for (name, account), scheme in product(accounts.items(), schemes)
    }
    with django_capture_on_commit_callbacks(execute=True):
        picture, active = (make_picture(owner, UPLOAD) for _ in range(2))
        activate(active)
    known, wrong, asked = known_ids(owner, picture, active), [], set()
    telling = [
        row for row in ROWS if len({row.superuser, row.member, *map(row_of(row), STAFF)}) > 1
    ]
    assert len(telling) > 30
    for (number, row), (turn, person) in product(enumerate(telling), enumerate(accounts)):
        scheme = schemes[(number + turn) % len(schemes)]
        asked |= {(scheme, number), (scheme, person)}
        client = clients[person, scheme]
        is_deletion = (row.method, row.path) == ("DELETE", "/api/user/account/")
        expected = "403" if is_deletion else row.expected("member", "private", "Enterprise")
        # What signs out takes the cookies with it.
        cookies = deepcopy(client.cookies)
        with undone():
            given = outcome(send(client, row, known), expected, picture)
        client.cookies = cookies
        if given != expected:
            wrong.append(f"{row.method} {row.path} {person} {scheme}: {given}, not {expected}")
    assert asked == {*product(schemes, range(len(telling))), *product(schemes, accounts)}
    assert not wrong, "\n".join(wrong)


def row_of(row: Row) -> Callable[[str], Any]:
    """Return what a row says of a person."""
    return lambda person: getattr(row, person)


def name_of(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


# --- The table is complete ------------------------------------------------------------------------


def methods_of(view: Callable[..., Any]) -> set[str]:
    """Return the methods of a view; HEAD and OPTIONS come with the others."""
    if not hasattr(view, "view_class"):
        return set()
    names = {"get", "post", "put", "patch", "delete"}
    return {name.upper() for name in names if hasattr(view.view_class, name)}


@pytest.fixture
def matches(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> list[tuple[Row, ResolverMatch]]:
    """Each row's view and route, found as a request would find them."""
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, UPLOAD)
    known = known_ids(alice, picture, picture)
    return [(row, resolve(row.path.format(**known).partition("?")[0])) for row in ROWS]


def test_every_route_has_a_row(matches: list[tuple[Row, ResolverMatch]]) -> None:
    assert {match.route for _, match in matches} == set(routes())


def test_every_method_of_a_route_has_a_row(matches: list[tuple[Row, ResolverMatch]]) -> None:
    there = {(row.method, match.route) for row, match in matches}
    wanted = {(method, match.route) for _, match in matches for method in methods_of(match.func)}
    assert wanted - there == set()
