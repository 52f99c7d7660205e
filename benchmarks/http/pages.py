"""The first page beside page 5,000, and one web process beside two."""

from dataclasses import replace

from api.pagination import DEFAULT_PAGE_SIZE
from benchmarks.http.people import Person
from benchmarks.http.requests import Request
from benchmarks.http.scenarios import Scenario
from benchmarks.http.servers import Servers
from images.models import Picture
from lib.keyset import Cursor
from thumbnails.models import Thumbnail

DEEP = 5000


def pages(servers: Servers, rich: Person) -> list[Scenario]:
    """One caller at a time, through the collector's pictures and thumbnails."""
    own = Picture.objects.owned_by(rich.user)
    deep = min(DEEP, own.count() // DEFAULT_PAGE_SIZE)
    web, made = servers.web, []
    for path, rows in (
        ("images/?", own),
        ("images/?fields=all&", own),
        ("thumbnails/?", Thumbnail.objects.filter(owner=rich.user)),
    ):
        last = rows.order_by("-created_at", "-id")[(deep - 1) * DEFAULT_PAGE_SIZE - 1]
        address = f"/api/user/{path}"
        name = path.rstrip("?&")
        cursor = Cursor(last.created_at, last.pk).encode()
        for number, query in ((1, ""), (deep, f"cursor={cursor}")):
            made.append(
                Scenario(
                    f"{name}, page {number}",
                    [Request(f"{address}{query}", rich.token)],
                    web.port,
                    web,
                    f"{name}, page 1",
                    connections=1,
                )
            )
    return made


def scenarios_for_two_workers(servers: Servers, scenarios: list[Scenario]) -> list[Scenario]:
    """The same requests to one worker and to two, straight from the web process."""
    return [
        each
        for one in scenarios
        for each in (
            replace(one, name=f"{one.name}: 1", port=servers.web.port, against=""),
            replace(
                one,
                name=f"{one.name}: 2",
                port=servers.web2.port,
                server=servers.web2,
                against=f"{one.name}: 1",
            ),
        )
    ]
