"""The archive of an account: its pictures, and what is kept of it besides."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import Session
from api.restful_api.account_serializers import serialize_own_account
from api.restful_api.link_serializers import LINK_FIELDS, serialize_link_row
from api.restful_api.picture_fields import FIELDS, columns_of, write_own_rows
from api.restful_api.session_serializers import SESSION_FIELDS, serialize_session_row
from delivery.archives import Member, UniqueNames
from delivery.client_urls import ClientUrls
from delivery.picture_archives import own_picture_rows, picture_members
from images.models import Link, Picture
from images.storage.base import picture_storage
from lib.keyset import Cursor, rows_after

_FACTS = "account.json"
_BATCH_SIZE = 200
_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
Rows = list[dict[str, Any]]


def export_members(session: Session, base: str) -> Iterator[Member]:
    """Yield a member with all facts of a session's account, then one for each picture.

    Where the storage is away, raise an outage at once: later it would break the archive off.
    """
    picture_storage.check()
    names = UniqueNames()
    yield Member(names.claim(_FACTS, 2), _write_facts(session, base))
    yield from picture_members(session.user, own_picture_rows(session.user), names=names)


def _write_facts(session: Session, base: str) -> Iterator[bytes]:
    """Write one JSON object, piece by piece: there may be a million pictures."""
    user, names = session.user, tuple(FIELDS)
    lists: Mapping[str, tuple[QuerySet[Any], tuple[str, ...], Callable[[Rows], list[Any]]]] = {
        "pictures": (
            Picture.objects.owned_by(user),
            columns_of(names),
            lambda rows: write_own_rows(rows, names, owner=user, urls=ClientUrls(base, "")),
        ),
        "links": (
            Link.objects.filter(owner=user).with_liveness(),
            LINK_FIELDS,
            lambda rows: [serialize_link_row(row, base=base) for row in rows],
        ),
        "sessions": (
            Session.objects.of(user).live(),
            SESSION_FIELDS,
            lambda rows: [serialize_session_row(row, session) for row in rows],
        ),
    }
    yield f'{{"account":{_encode(serialize_own_account(user))}'.encode()
    for name, (found, columns, serialize) in lists.items():
        yield f',"{name}":['.encode()
        separator = ""
        for rows in _pages(found, columns):
            # A line for each.
            text = ",".join(f"\n{_encode(each)}" for each in serialize(rows))
            yield f"{separator}{text}".encode()
            separator = ","
        yield b"]"
    yield b"}\n"


def _pages(found: QuerySet[Any], columns: tuple[str, ...]) -> Iterator[Rows]:
    cursor = None
    while rows := list(rows_after(cursor, found, oldest_first=True).values(*columns)[:_BATCH_SIZE]):
        yield rows
        cursor = Cursor(rows[-1]["created_at"], rows[-1]["id"])
