"""The accounts, the known ids and the requests for the rows of `access_table`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.invitations import write_invitation_token
from accounts.models import Invitation, Session, User
from accounts.one_time_links import reset_url
from images.links import LinkToken, write_token
from images.models import Link, Picture
from images.signed_urls import signed_path
from tests.api.access_table import STAFF, Row
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_staff, make_user, token_client
from tests.factories import tier as tier_of
from tests.pictures import jpeg, png
from thumbnails.models import Thumbnail

SIZE = (640, 500)
UPLOAD = jpeg(*SIZE, comment=b"taken at home")


def clients_of(tier: str) -> tuple[dict[str, Client], User]:
    """Return a client for each of PEOPLE, and the owner's account."""
    tier_of("Premium")  # new accounts get it
    accounts = {name: make_user(name, tier) for name in ("owner", "member", "stranger")}
    accounts["superuser"] = make_user("superuser", tier, is_staff=True, is_superuser=True)
    for name, permission in STAFF.items():
        accounts[name] = make_staff(name, *filter(None, [permission]), tier_name=tier)
    clients = {name: token_client(account) for name, account in accounts.items()}
    return {**clients, "anonymous": Client()}, accounts["owner"]


def known_ids(owner: User, picture: Picture, active: Picture) -> dict[str, str]:
    """Return what the braces of the table stand for."""
    link = Link.objects.create(
        picture=picture, maker=owner, expires_at=datetime(2999, 1, 1, tzinfo=UTC)
    )
    session = Session.objects.create(
        user=owner, scheme=Session.Scheme.BEARER, expires_at=link.expires_at
    )
    return {
        "account": str(owner.pk),
        "picture": str(picture.pk),
        "uuid": str(picture.uid),
        "file": picture.file_name,
        "thumbnail": str(picture.thumbnails.get(height=200).pk),
        "avatar": active.thumbnails.get(height=200).key.rsplit("/", 1)[-1],
        "signed": signed_path(picture.key),
        "session": str(session.pk),
        "link": write_token(LinkToken(link.pk)),
        "link_id": str(link.pk),
        "invitation": write_invitation_token(Invitation.objects.create(tier=owner.tier)),
        "reset": reset_url(User.objects.get(pk=owner.pk)).split("/")[-2],
        "password": PASSWORD,
    }


def guesses(known: Mapping[str, str]) -> dict[str, str]:
    """Return what somebody who knows none of it would try in its place."""
    return {
        "account": "00000000-0000-4000-8000-000000000000",
        "picture": str(int(known["picture"]) + 1000),
        "uuid": "00000000-0000-4000-8000-000000000000",
        "file": "guessed.jpg",
        "thumbnail": str(Thumbnail.objects.latest("pk").pk + 1000),
        "avatar": "guessed.jpg",
        "signed": known["signed"][:-1] + ("A" if known["signed"][-1] != "A" else "B"),
        "session": "00000000-0000-4000-8000-000000000000",
        "reset": "none",
        "link": "1.AAAAAAAAAAAAAAAAAAAAAA",
        "link_id": str(int(known["link_id"]) + 1000),
        "invitation": f"{UUID(int=1).hex}.AAAAAAAAAAAAAAAAAAAAAA",
        "password": PASSWORD,
    }


def send(client: Client, row: Row, ids: Mapping[str, str]) -> Response:
    path = row.path.format(**ids)
    body = {name: fill_in(value, ids) for name, value in row.body.items()}
    if row.file_field:
        form = {**body, row.file_field: SimpleUploadedFile("x.png", png(8, 8))}
        return client.post(path, form)
    sent = json.dumps(body) if body else ""
    return client.generic(row.method, path, sent, content_type="application/json")


def fill_in(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [fill_in(each, ids) for each in value]
    return value.format(**ids) if isinstance(value, str) else value
