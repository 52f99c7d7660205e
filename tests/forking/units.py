"""What a process runs in one go: the tests of a file, which share what it starts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

# A second one takes many seconds of a core: a process that has one gets what asks for it.
SHARED_SERVERS = {
    "rabbitmq_server", "s3_server", "database_server", "chromium_program", "shared_run",
}  # fmt: skip
_LONG = ("slow", "nightly")
# Which marks have a test run on SQLite too, by the part of the suite that is run.
ON_SQLITE = {
    "quick": {"sqlite"},
    "nightly": {"sqlite_nightly"},
    "all": {"sqlite", "sqlite_nightly"},
}
# Of a long test that states no limit of its own.
_USUAL_SECONDS = 20


@dataclass
class Unit:
    """The numbers of its tests in the session, the servers that they ask for, how it is run."""

    items: list[int] = field(default_factory=list)
    servers: set[str] = field(default_factory=set)
    # What its long tests may take, by their own limits.
    seconds: float = 0.0
    # Whether it waits for other processes more than it works.
    waits: bool = False

    def add(self, number: int, item: pytest.Item) -> None:
        self.items.append(number)
        self.servers |= SHARED_SERVERS & servers_of(item)
        self.waits = self.waits or bool(item.get_closest_marker("apart"))
        if any(map(item.get_closest_marker, _LONG)):
            limit = item.get_closest_marker("timeout")
            self.seconds += limit.args[0] if limit and limit.args else _USUAL_SECONDS


def servers_of(item: pytest.Item) -> set[str]:
    names = set(getattr(item, "fixturenames", ()))
    # It asks for the bucket only when it runs.
    return names | {"s3_server"} if item.get_closest_marker("s3") else names


def units_of(items: Iterable[tuple[int, pytest.Item]]) -> list[Unit]:
    """Return a unit for each file: the longest first, so that nobody waits for it at the end.

    A test that is marked `apart` is a unit of its own, unless its file's stay `together`.
    """
    units: dict[tuple[str, int], Unit] = {}
    for number, item in items:
        apart = item.get_closest_marker("apart")
        own = number if apart and not apart.kwargs.get("together") else -1
        units.setdefault((item.location[0], own), Unit()).add(number, item)
    return sorted(units.values(), key=lambda unit: -unit.seconds)


def on_sqlite(items: list[pytest.Item], part: str) -> Iterator[tuple[int, pytest.Item]]:
    """Yield what is run there too, with its number: what can differ, and nightly the rest.

    A storage does not, and the processes of `./dev run`, which other tests start, are on SQLite.
    """
    for number, item in enumerate(items):
        marks = {mark.name for mark in item.iter_markers()}
        if marks & ON_SQLITE[part] and marks.isdisjoint({"postgres", "s3", "processes", *_LONG}):
            yield number, item


def on_postgresql(items: list[pytest.Item], part: str) -> Iterator[tuple[int, pytest.Item]]:
    """Yield the others: in the nightly part, some were chosen to run on SQLite alone."""
    for number, item in enumerate(items):
        if part != "nightly" or item.get_closest_marker("nightly"):
            yield number, item


class Queue:
    """Hands units out to processes, which are known by their numbers."""

    def __init__(self, units: list[Unit]) -> None:
        self._units = units
        self._started: dict[str, set[int]] = {}

    def next_for(self, process: int, *, is_patient: bool = False) -> Unit | None:
        """Return the first of whose servers no other process has more, else the first.

        A patient process gets what waits before all else, and others get it last.
        """
        if not self._units:
            return None
        unit = min(
            self._units,
            key=lambda each: (each.waits != is_patient, not self._suits(each, process)),
        )
        self._units.remove(unit)
        for server in unit.servers:
            self._started.setdefault(server, set()).add(process)
        return unit

    def _suits(self, unit: Unit, process: int) -> bool:
        owners = [self._started[each] for each in unit.servers if each in self._started]
        had = [sum(other in each for each in owners) for other in set().union(*owners)]
        return sum(process in each for each in owners) >= max(had, default=0)

    def give_back(self, items: list[int]) -> None:
        """Take what a process that ended has not run."""
        if items:
            self._units.insert(0, Unit(items))
