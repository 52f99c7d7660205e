"""What is done to one thing leaves its twin as it was, row by row.

Most tests have one account, one picture, one session and one link, so that a statement that lost a
condition still finds the right row. Here Alice has two of each, and Bob has the same.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.db.models import Model
from django.utils import timezone

from accounts.addresses import save_new_email, verify_email
from accounts.mail import enqueue_mail
from accounts.models import Mail, Session, User
from accounts.one_time_links import reset_url, verification_url
from accounts.own_account import update_account
from accounts.password_reset import reset_password
from accounts.renewal import renew_cookies
from accounts.request_origin import RequestOrigin
from accounts.services import (
    change_password,
    disable,
    end_every_session,
    end_other_sessions,
    move_to_tier,
    sign_out,
)
from accounts.sessions import (
    issue_cookies,
    open_api_token_session,
    open_bearer_session,
    open_cookie_session,
    record_origin,
    record_use,
)
from images.ledger import Usage
from images.link_visits import spend_opening
from images.links import change_link, count_opening, make_link, revoke_links_of
from images.models import IdempotencyKey, Link, Picture
from images.services import (
    activate,
    change_pictures,
    delete_picture,
    delete_unless_active,
    request_thumbnails,
    update_picture,
)
from images.storage.base import picture_storage
from notifications.feed import record_event, record_events
from notifications.logouts.messages import handle_messages
from notifications.models import Feed
from tests.factories import PASSWORD, delete_account, make_tier, replace_password
from tests.rows import make_row, make_thumbnail_row
from thumbnails import claims
from thumbnails.deletion import delete_all, delete_pictures
from thumbnails.models import Rendition
from thumbnails.services import delete_thumbnail
from upkeep.closed_accounts import close_account

pytestmark = pytest.mark.django_db
ORIGIN = RequestOrigin("192.0.2.7", "curl/8")
NEW = "another good one"
# Normalized it is another text.
LIGATURE = "\ufb01sh and chips"
Rows = dict[tuple[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Things:
    """Two of everything that an account has; the first is what something is done to."""

    user: User
    pictures: list[Picture]
    links: list[Link]
    sessions: list[Session]

    @property
    def picture(self) -> Picture:
        return Picture.objects.with_owner().get(pk=self.pictures[0].pk)

    @property
    def link(self) -> Link:
        return Link.objects.with_picture().get(pk=self.links[0].pk)

    @property
    def session(self) -> Session:
        return Session.objects.with_user().get(pk=self.sessions[0].pk)


def make_things(user: User) -> Things:
    pictures = [make_row(user, is_active=number == 1) for number in range(2)]
    for each in pictures:
        for height in (200, 400):
            make_thumbnail_row(each, height)
        key = f"users/{user.pk}/{each.uid}_160.jpg"
        Rendition.objects.create(picture=each, width=160, source_key=each.key, key=key, bytes=10)
    links = [
        make_link(maker=user, picture=each, seconds=300, max_opens=5)[0]
        for each in (pictures[0], pictures[0], pictures[1])
    ]
    for open_session in (open_cookie_session, open_bearer_session, open_api_token_session) * 2:
        open_session(user, RequestOrigin())
    sessions = list(Session.objects.of(user).order_by("created_at"))
    Session.objects.of(user).update(last_used_at=timezone.now() - timedelta(hours=1))
    for each in pictures:
        claims.claim(each.pk)
        record_event(user.pk, "picture.updated", each)
        IdempotencyKey.objects.create(
            account=user, route="/", key=str(each.pk), leased_until=timezone.now()
        )
    enqueue_mail(Mail.Kind.RESET, user.email, user)
    return Things(user, pictures, links, sessions)


@pytest.fixture
def hers(alice: User, settings: Any) -> Things:
    settings.AMQP_URL = "amqp://nowhere"
    # A storage without any file is taken for one that is away, once there are rows.
    picture_storage.write(f"users/{alice.pk}/first.png", BytesIO(b"content"))
    alice.email, alice.name = "alice@example.org", "Alice"
    alice.save()
    return make_things(alice)


@pytest.fixture
def his(bob: User) -> Things:
    bob.email, bob.name = "bob@example.org", "Bob"
    bob.save()
    return make_things(bob)


def all_rows() -> Rows:
    """Return every row of our tables by its table and key."""
    return {
        (model._meta.label, row["pk"]): row
        for model in _models()
        for row in model._default_manager.values("pk", *_columns(model))
    }


def _models() -> Iterator[type[Model]]:
    for name in ("accounts", "images", "thumbnails", "notifications", "tiers"):
        yield from apps.get_app_config(name).get_models()


def _columns(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def is_of(things: Things, label: str, row: dict[str, Any]) -> bool:
    """Tell whether a row belongs to an account or to what it owns."""
    if label == "accounts.User":
        return bool(row["id"] == things.user.pk)
    owners = {row.get(name) for name in ("owner_id", "user_id", "account_id", "maker_id")}
    pictures = {each.pk for each in things.pictures}
    return things.user.pk in owners or row.get("picture_id") in pictures


def changed(before: Rows, after: Rows) -> dict[tuple[str, Any], dict[str, Any]]:
    """Return the rows that are gone or differ, as they were."""
    return {key: row for key, row in before.items() if after.get(key) != row}


# What is done to an account, after which nothing of another differs.
OF_ACCOUNT: dict[str, Callable[[Things], object]] = {
    "revoke its links": lambda its: revoke_links_of(its.user),
    "revoke links": lambda its: Link.objects.filter(owner=its.user).revoke(),
    "delete its pictures": lambda its: delete_all(its.user.pk),
    "end its sessions": lambda its: end_every_session(its.user),
    "end the others": lambda its: end_other_sessions(its.session),
    "change the password": lambda its: change_password(
        its.user, current=PASSWORD, new=NEW, origin=ORIGIN
    ),
    "replace the password": lambda its: replace_password(its.user, NEW),
    "reset the password": lambda its: reset_password(
        token=reset_url(User.objects.get(pk=its.user.pk)).rsplit("/", 2)[1], new=NEW, origin=ORIGIN
    ),
    "verify its address": lambda its: verify_email(verification_url(its.user).rsplit("/", 2)[1]),
    "give it another address": lambda its: give_another_address(its.user),
    "rename it": lambda its: update_account(its.session, origin=ORIGIN, name="A. L."),
    "move it to another tier": lambda its: move_to_tier(its.user, make_tier("Another")),
    "disable it": lambda its: disable(its.user),
    "delete it": lambda its: delete_account(its.user),
    "close it": lambda its: close_account(its.session, password=PASSWORD, origin=ORIGIN),
    "open a session": lambda its: open_bearer_session(its.user, ORIGIN),
    "open a token": lambda its: open_api_token_session(its.user, ORIGIN),
    "open a browser's": lambda its: open_cookie_session(its.user, ORIGIN),
    "activate a picture": lambda its: activate(its.picture),
    "record an event": lambda its: record_event(its.user.pk, "pictures.cleared"),
    "record events": lambda its: record_events(its.user.pk, "picture.updated", its.pictures),
}


def give_another_address(user: User) -> None:
    user.email = "a.l@example.org"
    save_new_email(user)


@pytest.mark.parametrize("act", OF_ACCOUNT)
def test_what_is_done_to_an_account_leaves_another_as_it_was(
    hers: Things, his: Things, act: str
) -> None:
    before = all_rows()
    OF_ACCOUNT[act](hers)
    after = all_rows()
    assert [key for key, row in changed(before, after).items() if is_of(his, key[0], row)] == []
    assert after != before


# What is done to one of its things: which rows may differ, beside those of the account itself.
Spared = Callable[[Things, str, dict[str, Any]], bool]


def of_picture(its: Things, label: str, row: dict[str, Any]) -> bool:
    one = its.pictures[0].pk
    return row.get("picture_id") == one or (label == "images.Picture" and row["id"] == one)


def of_session(its: Things, label: str, row: dict[str, Any]) -> bool:
    return label == "accounts.Session" and bool(row["id"] == its.sessions[0].pk)


def of_link(its: Things, label: str, row: dict[str, Any]) -> bool:
    return label == "images.Link" and bool(row["id"] == its.links[0].pk)


def logout_of(*names: object) -> list[bytes]:
    return [json.dumps({"type": "logout", "message": str(each)}).encode() for each in names]


OF_ONE: dict[str, tuple[Spared, Callable[[Things], object]]] = {
    "change a picture": (of_picture, lambda its: update_picture(its.picture, description="x")),
    "change pictures": (
        of_picture,
        lambda its: change_pictures(
            Picture.objects.owned_by(its.user), [its.picture.pk], visibility="public"
        ),
    ),
    "delete a picture": (of_picture, lambda its: delete_picture(its.picture)),
    "delete one not active": (of_picture, lambda its: delete_unless_active(its.picture)),
    "delete pictures": (
        of_picture,
        lambda its: delete_pictures(Picture.objects.owned_by(its.user), [its.picture.pk]),
    ),
    "request thumbnails": (of_picture, lambda its: request_thumbnails([its.picture.pk])),
    "replace thumbnails": (
        of_picture,
        lambda its: request_thumbnails([its.picture.pk], replace=True),
    ),
    "delete a thumbnail": (
        of_picture,
        lambda its: delete_thumbnail(its.picture.thumbnails.earliest("pk")),
    ),
    "sign out": (of_session, lambda its: sign_out(its.session)),
    "use a session": (of_session, lambda its: record_use(its.session)),
    "record its origin": (of_session, lambda its: record_origin(its.session, ORIGIN)),
    "renew cookies": (of_session, lambda its: renew_cookies(issue_cookies(its.session).refresh)),
    "hear its logout": (
        of_session,
        lambda its: handle_messages(logout_of(its.session.pk, uuid.uuid4())),
    ),
    "hear its access token's": (
        of_session,
        lambda its: handle_messages(logout_of(f"bearer {issue_cookies(its.session).access}")),
    ),
    "change a link": (of_link, lambda its: change_link(its.link, changer=its.user, seconds=400)),
    "note a link": (of_link, lambda its: change_link(its.link, changer=its.user, note="x")),
    "open a link": (of_link, lambda its: count_opening(its.link)),
    "spend an opening": (of_link, lambda its: spend_opening(its.link, uuid.uuid4())),
    "revoke a link": (of_link, lambda its: Link.objects.filter(pk=its.link.pk).revoke()),
}
# An account's own row, its ledger, and the counter of its events.
_COUNTERS = {each._meta.label for each in (User, Usage, Feed)}


@pytest.mark.parametrize("act", OF_ONE)
def test_what_is_done_to_one_thing_leaves_every_other_as_it_was(
    hers: Things, his: Things, act: str
) -> None:
    may_differ, work = OF_ONE[act]
    before = all_rows()
    work(hers)
    after = all_rows()
    others = [
        key
        for key, row in changed(before, after).items()
        if not may_differ(hers, key[0], row)
        and not (key[0] in _COUNTERS and is_of(hers, key[0], row))
    ]
    assert others == []
    assert any(may_differ(hers, key[0], row) for key, row in changed(before, after).items())


def test_a_twin_has_a_row_in_every_table_that_an_account_fills(hers: Things, his: Things) -> None:
    """Else its rows could not show that they are left alone."""
    filled = {key[0] for key, row in all_rows().items() if is_of(his, key[0], row)}
    assert filled >= {
        "accounts.User", "accounts.Session", "accounts.Mail", "accounts.SecurityEvent",
        "images.Picture", "images.Link", "images.Usage", "images.IdempotencyKey",
        "thumbnails.Thumbnail", "thumbnails.Rendition",
        "notifications.Feed", "notifications.PictureEvent",
    }  # fmt: skip


def test_the_hash_of_one_account_is_replaced_when_its_password_is_right(
    hers: Things, his: Things
) -> None:
    """Even where another's is the same: it was copied by hand, or so in a dump for tests."""
    User.objects.update(password=make_password(LIGATURE))
    before = User.objects.get(pk=his.user.pk).password
    assert User.objects.get(pk=hers.user.pk).check_password(LIGATURE)
    assert User.objects.get(pk=hers.user.pk).password != before
    assert User.objects.get(pk=his.user.pk).password == before
