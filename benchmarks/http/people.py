"""The accounts that ask, their tokens, and real files behind the pictures they ask for."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F
from PIL import Image

from accounts.models import Session, User
from accounts.tokens import issue_jwt
from benchmarks.http.rows import PASSWORD
from images.link_visits import write_pass
from images.links import LinkToken, make_link, write_token
from images.models import STRIPPING_VERSION, Link, Picture
from thumbnails.models import Thumbnail

# Of the accounts that share unevenly, so many have more than a page of 100.
ASKING = 200
_PICTURES_EACH = 3
# Of each so many more that nobody has opened yet: their copies without metadata are not made.
_UNOPENED_EACH = 3
_LINK_SECONDS = 7200
# A page of them, beside those that are opened.
_LINKS_EACH = 100
# A password is hashed for each link that has one, so that few people's have.
_WITH_PASSWORDS = 20
# More than any run spends.
_MAX_OPENS = 1_000_000
# The options of a link that is opened, by the name of its scenario.
LINK_OPTIONS: dict[str, dict[str, Any]] = {
    "link": {},
    "link, cache_seconds": {"cache_seconds": 60},
    "link, max_opens": {"max_opens": _MAX_OPENS},
    "link, password": {"password": PASSWORD},
}
UNOPENED, MANY = "link to an unopened picture", "one of many links"


@dataclass
class Person:
    """An account; its pictures and thumbnails here are those that have bytes."""

    user: User
    token: str
    pictures: list[Picture] = field(default_factory=list)
    unopened: list[Picture] = field(default_factory=list)
    thumbnails: list[Thumbnail] = field(default_factory=list)
    # Tokens by the options of their links, and passes of those that ask first.
    links: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    passes: dict[str, str] = field(default_factory=dict)


def collector() -> Person:
    """Return the account that owns every second picture."""
    return _person(0)


def people(folder: Path) -> list[Person]:
    """Return the accounts that ask, with files for their newest pictures in the storage."""
    found = [_person(number) for number in range(1, ASKING + 1)]
    original, thumbnail = photograph(folder, 800, 600), photograph(folder, 320, 240)
    # One commit, where each link would wait for the disk.
    with transaction.atomic():
        for number, person in enumerate(found):
            newest = (
                Picture.objects.owned_by(person.user).with_owner().order_by("-created_at", "-id")
            )
            found_pictures = list(newest[: _PICTURES_EACH + _UNOPENED_EACH])
            person.pictures = found_pictures[:_PICTURES_EACH]
            person.unopened = found_pictures[_PICTURES_EACH:]
            person.thumbnails = list(Thumbnail.objects.filter(picture__in=person.pictures))
            for picture in person.pictures:
                _lie(picture.key, original)
                _make_links(person, picture, has_password=number < _WITH_PASSWORDS)
            for picture in person.unopened:
                _lie(picture.key, original)
                _make_link(person, picture, UNOPENED)
            for each in person.thumbnails:
                _lie(each.key, thumbnail)
        # The photograph has no metadata: it is its own clean copy, as its row says after the first
        # opening.
        opened = [picture.pk for person in found for picture in person.pictures]
        Picture.objects.filter(pk__in=opened).update(
            clean_key=F("key"), clean_version=STRIPPING_VERSION
        )
    return found


def close_unopened(people: Iterable[Person]) -> None:
    """Forget that anybody opened these pictures and their links, and what was found out then."""
    unopened = [picture.pk for person in people for picture in person.unopened]
    Picture.objects.filter(pk__in=unopened).update(clean_version=0)
    Link.objects.filter(picture__in=unopened).update(opened=0)


def _make_links(person: Person, picture: Picture, *, has_password: bool) -> None:
    """Make a link with each of the options, and as many more as fill a page together."""
    for name, options in LINK_OPTIONS.items():
        if "password" in options and not has_password:
            continue
        link = _make_link(person, picture, name, **options)
    more = Link.objects.bulk_create(
        # Opened before: of a link's first opening its owner is told.
        Link(
            picture=picture,
            owner=person.user,
            maker=person.user,
            expires_at=link.expires_at,
            opened=1,
        )
        for _ in range(_LINKS_EACH // _PICTURES_EACH)
    )
    person.links[MANY] += [write_token(LinkToken(each.pk)) for each in more]


def _make_link(person: Person, picture: Picture, name: str, **options: Any) -> Link:
    link, token = make_link(maker=person.user, picture=picture, seconds=_LINK_SECONDS, **options)
    person.links[name].append(token)
    if link.asks_first:
        person.passes[token] = write_pass(link, link.expires_at)
    return link


def photograph(folder: Path, width: int, height: int) -> Path:
    """Draw waves with a photograph's noise, as a JPEG; drawn once."""
    path = folder / f"{width}x{height}.jpg"
    if not path.exists():
        chance = np.random.default_rng(7)
        x, y = np.meshgrid(np.linspace(0, 7, width), np.linspace(0, 5, height))
        waves = np.stack([np.sin(x + k) * np.cos(y * (1 + k / 3)) for k in range(3)], axis=2)
        noise = chance.normal(0, 0.05, waves.shape)
        pixels = np.clip(127.5 + 110 * (waves + noise), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(path, quality=92)
    return path


def _person(number: int) -> Person:
    user = User.objects.select_related("tier").get(pk=_uuid(f"account{number}"))
    session = Session.objects.get(pk=_uuid(f"session{number}"))
    return Person(user, issue_jwt(session, "bearer", settings.BEARER_LIFETIME))


def _uuid(text: str) -> uuid.UUID:
    """Return what `md5(text)::uuid` is in PostgreSQL."""
    return uuid.UUID(md5(text.encode(), usedforsecurity=False).hexdigest())


def _lie(key: str, file: Path) -> None:
    """Let a file lie under a key: a second name of it is enough."""
    target = settings.MEDIA_ROOT / key
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.hardlink_to(file)
