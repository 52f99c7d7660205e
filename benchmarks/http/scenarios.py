"""What is asked, of whom, and what each is held against."""

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlencode

from urllib3 import encode_multipart_formdata

from benchmarks.http.people import MANY, UNOPENED, Person, close_unopened, photograph
from benchmarks.http.requests import Request
from benchmarks.http.rows import PASSWORD
from benchmarks.http.servers import Server, Servers
from images.signed_urls import signed_path

# The floors that others are held against.
BARE_VIEW, BARE_REDIRECT = "bare view", "bare redirect"
# Of files that are as large as thumbnails: of a picture, sending its bytes is most of the work.
THUMBNAIL_REDIRECT = "bare redirect, thumbnails"
# Addresses that openings come from, at least.
_MANY = 10_000


def _do_nothing() -> None:
    """Most scenarios find everything as the one before left it."""


@dataclass(frozen=True)
class Scenario:
    """Requests of one kind; `against` names the scenario that they are held against.

    `prepare` is called before each slice.
    """

    name: str
    requests: Sequence[Request]
    port: int
    server: Server
    against: str = ""
    expects: int = 200
    connections: int = 8
    prepare: Callable[[], None] = _do_nothing


def named(scenarios: Iterable[Scenario], *names: str) -> list[Scenario]:
    """Return the scenarios of these names, in their order; raise KeyError where there is none."""
    found = {each.name: each for each in scenarios}
    return [found[name] for name in names]


def floors(servers: Servers, everyone: list[Person]) -> list[Scenario]:
    """What costs as little as it can."""
    bare, floor, port = servers.bare, servers.floor, servers.nginx.floor
    keys = [picture.key for person in everyone for picture in person.pictures]
    thumbnails = [each.key for person in everyone for each in person.thumbnails]
    tokens = [token for person in everyone for token in person.links["link"]]
    links = [f"/link/{int(token.partition('.')[0], 36)}" for token in tokens]
    return [
        Scenario(BARE_VIEW, [Request("/")], bare.port, bare),
        Scenario("bare view, nginx", [Request("/")], port, bare),
        Scenario(BARE_REDIRECT, [Request(f"/file/{k}") for k in keys], port, bare),
        Scenario(THUMBNAIL_REDIRECT, [Request(f"/file/{k}") for k in thumbnails], port, bare),
        Scenario("nginx alone", [Request(f"/alone/{k}") for k in keys], port, bare),
        Scenario("bare redirect, 2 queries", [Request(path) for path in links], port, floor),
    ]


def dicts(servers: Servers, everyone: list[Person]) -> list[Scenario]:
    """The rows of a list of 100 with and without the token's check, those of thumbnails with it."""
    floor = servers.floor
    asked = {
        "100 dicts, no token": [Request(f"/{p.user.pk}") for p in everyone],
        "100 dicts": [Request(f"/{p.user.pk}", p.token) for p in everyone],
        **{
            f"100 dicts, {kind}": [Request(f"/{p.user.pk}?{kind}", p.token) for p in everyone]
            for kind in ("thumbnails", "me", "pictures")
        },
    }
    return [Scenario(name, each, floor.port, floor) for name, each in asked.items()]


def lists(servers: Servers, everyone: list[Person], rich: Person) -> list[Scenario]:
    """Every contract's list, straight from the web process."""
    web = servers.web

    def of(name: str, path: str, who: list[Person], against: str = "100 dicts") -> Scenario:
        asked = [Request(path.format(p.user.pk), p.token) for p in who]
        return Scenario(name, asked, web.port, web, against)

    kept = of("restful images/, kept", "/api/user/images/", everyone[:20]).requests
    drf = servers.bare_drf
    thumbnails = "100 dicts, thumbnails"
    return [
        of("restful images/ (100)", "/api/user/images/", everyone),
        of("restful images/ (100), all fields", "/api/user/images/?fields=all", everyone),
        of("restful images/ (100), a word", "/api/user/images/?q=777", [rich], ""),
        of("restful thumbnails/ (100)", "/api/user/thumbnails/", everyone, thumbnails),
        of("images API me (100)", "/api/me", everyone, "100 dicts, me"),
        of(
            "pictures list (100)",
            "/pictures/get-user-pictures/{}?limit=100",
            everyone,
            "100 dicts, pictures",
        ),
        of("pictures list (1000)", "/pictures/get-user-pictures/{}", [rich], ""),
        of("restful links/ (100)", "/api/user/links/", everyone),
        of("restful links/, live", "/api/user/links/?live=true", everyone),
        of("restful events/", "/api/user/events/", everyone, ""),
        Scenario("bare DRF view", [Request("/")], drf.port, drf),
        Scenario("restful images/, kept", kept, servers.kept.port, servers.kept, "bare DRF view"),
    ]


def reads(servers: Servers, everyone: list[Person]) -> list[Scenario]:
    """One row each, straight from the web process."""
    web = servers.web
    pictures = [(p.token, each) for p in everyone for each in p.pictures]
    thumbnails = [(p.token, each) for p in everyone for each in p.thumbnails]
    paths = {
        "restful images/id/": [(f"/api/user/images/{x.pk}/", t) for t, x in pictures],
        "restful thumbnails/id/": [(f"/api/user/thumbnails/{x.pk}/", t) for t, x in thumbnails],
        "pictures active": [
            (f"/pictures/get-active-picture/{p.user.pk}", p.token) for p in everyone
        ],
        "auth currentUser": [("/auth/currentUser", p.token) for p in everyone],
    }
    return [
        Scenario(name, [Request(*each) for each in asked], web.port, web, BARE_VIEW)
        for name, asked in paths.items()
    ]


def files(servers: Servers, everyone: list[Person]) -> list[Scenario]:
    """Bytes, behind nginx."""
    pictures = [(p.token, each) for p in everyone for each in p.pictures]
    asked = {
        "signed address": [Request(signed_path(x.key)) for _, x in pictures],
        "signed thumbnail": [Request(signed_path(x.key)) for p in everyone for x in p.thumbnails],
        "expiring link": _opening(everyone, MANY),
        "images API images/uid": [Request(f"/api/images/{x.uid}") for _, x in pictures],
        "own /images/ address": [Request(f"/images/{x.key}", t) for t, x in pictures],
        "image service base64": [Request(f"/image/{x.uid}", t) for t, x in pictures],
    }
    front = servers.nginx.front
    against = {"signed thumbnail": THUMBNAIL_REDIRECT}
    return [
        Scenario(name, each, front, servers.web, against.get(name, BARE_REDIRECT))
        for name, each in asked.items()
    ]


def links(servers: Servers, everyone: list[Person]) -> list[Scenario]:
    """An opened link with each of its options, behind nginx."""
    plain = partial(_opening, everyone)
    password = urlencode({"password": PASSWORD}).encode()
    asked = {
        # Of 20,000 links each is opened again after more than the second for which it is kept, or
        # not at all; of 20 again and again.
        "link, opened once": plain(MANY),
        # Of which its owner is told. And the owner's tier grants originals: what others get of one
        # is made when it is first opened.
        "link, its picture's first opening": plain(UNOPENED),
        "link, opened repeatedly": _from_many(plain("link")[:20]),
        "link, cache_seconds": plain("link, cache_seconds"),
        "link, its page": plain("link, max_opens"),
        "link, its button": plain("link, max_opens", pressed_with=b"visit="),
        "link, with a pass": plain("link, max_opens", has_pass=True),
        "link, password's page": plain("link, password"),
        # A hash at a time: the service refuses more than a few together.
        "link, its password": plain("link, password", pressed_with=password),
    }
    front = servers.nginx.front
    return [
        Scenario(
            name,
            requests,
            front,
            servers.web,
            BARE_REDIRECT,
            303 if requests[0].body else 200,
            1 if requests[0].body == password else 8,
            partial(close_unopened, everyone),
        )
        for name, requests in asked.items()
    ]


def _opening(
    everyone: list[Person], option: str, *, pressed_with: bytes = b"", has_pass: bool = False
) -> list[Request]:
    """Return what asks for every link with an option."""
    asked = [
        Request(
            f"/l/{token}",
            method="POST" if pressed_with else "GET",
            body=pressed_with,
            content_type="application/x-www-form-urlencoded" if pressed_with else "",
            cookie=f"__Secure-link-pass={person.passes[token]}" if has_pass else "",
        )
        for person in everyone
        for token in person.links[option]
    ]
    return _from_many(asked)


def _from_many(requests: Sequence[Request]) -> list[Request]:
    """Return the requests as from many people, so that no throttle of an address is full."""
    everyone = list(requests) * max(1, _MANY // len(requests))
    return [replace(each, address=_address(number)) for number, each in enumerate(everyone)]


def _address(number: int) -> str:
    """Return one of sixteen million addresses."""
    return str(IPv4Address("10.0.0.0") + number)


def uploads(servers: Servers, everyone: list[Person], folder: Path) -> list[Scenario]:
    """Pictures as from a camera, behind nginx."""
    small, large = photograph(folder, 1280, 960), photograph(folder, 4000, 3000)
    front, web = servers.nginx.front, servers.web

    def form(file: Path) -> list[Request]:
        fields = {"image": ("p.jpg", file.read_bytes(), "image/jpeg")}
        body, kind = encode_multipart_formdata(fields)
        return [Request("/api/user/images/", p.token, "POST", body, kind) for p in everyone]

    text = json.dumps({"data": b64encode(small.read_bytes()).decode(), "description": ""})
    as_json = [
        Request("/api/images", p.token, "POST", text.encode(), "application/json") for p in everyone
    ]
    sizes = [f"{file.stat().st_size / 1000:.0f} kB" for file in (small, large)]
    return [
        Scenario(f"upload, form, {sizes[0]}", form(small), front, web, expects=201),
        Scenario(f"upload, base64, {sizes[0]}", as_json, front, web),
        Scenario(f"upload, form, {sizes[1]}", form(large), front, web, expects=201),
    ]


def sign_ins(servers: Servers, everyone: list[Person]) -> list[Scenario]:
    """Each from an address of its own, as from many people, so that no throttle is full."""
    web = servers.web
    asked = {
        path: [
            Request(
                path,
                method="POST",
                body=json.dumps({name: person.user.username, "password": PASSWORD}).encode(),
                content_type="application/json",
                address=_address(position * 1_000_000 + number),
            )
            for number, person in enumerate(everyone * 50)
        ]
        for position, (path, name) in enumerate(
            (
                ("/auth/signin", "login"),
                ("/api/user/token/", "username"),
                ("/api/user/jwt-login/", "username"),
                ("/api/login", "login"),
            )
        )
    }
    floor = servers.floor
    hashes = [
        Scenario(f"hash, {lanes} at a time", [Request("/hash")], floor.port, floor, "", 200, lanes)
        for lanes in (1, 8)
    ]
    return hashes + [
        Scenario(
            f"{path}, {lanes} at a time",
            each,
            web.port,
            web,
            f"hash, {lanes} at a time",
            200,
            lanes,
        )
        for path, each in asked.items()
        for lanes in (1, 8)
    ]
