"""What a process runs in one go: the tests of a file, which share what it starts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

# A second one takes many seconds of a core: a process that has one gets what asks for it. With the
# browser comes the service whose pages it shows.
SHARED_SERVERS = {"rabbitmq_server", "s3_server", "database_server", "chromium_program"}
_LONG = ("slow", "nightly")
# Of a long test that states no limit of its own.
_USUAL_SECONDS = 20


@dataclass
class Unit:
    """The numbers of its tests in the session, and the servers that they ask for."""

    items: list[int] = field(default_factory=list)
    servers: set[str] = field(default_factory=set)
    # What its long tests may take, by their own limits.
    seconds: float = 0.0

    def add(self, number: int, item: pytest.Item) -> None:
        self.items.append(number)
        self.servers |= SHARED_SERVERS & servers_of(item)
        if any(map(item.get_closest_marker, _LONG)):
            limit = item.get_closest_marker("timeout")
            self.seconds += limit.args[0] if limit and limit.args else _USUAL_SECONDS


def servers_of(item: pytest.Item) -> set[str]:
    names = set(getattr(item, "fixturenames", ()))
    # It asks for the bucket only when it runs.
    return names | {"s3_server"} if item.get_closest_marker("s3") else names


def units_of(items: Iterable[tuple[int, pytest.Item]]) -> list[Unit]:
    """Return a unit for each file: the longest first, so that nobody waits for it at the end."""
    units: dict[str, Unit] = {}
    for number, item in items:
        units.setdefault(item.location[0], Unit()).add(number, item)
    return sorted(units.values(), key=lambda unit: -unit.seconds)


def on_sqlite(items: list[pytest.Item]) -> Iterator[tuple[int, pytest.Item]]:
    """Yield what is run there too, with its number: what can differ.

    A storage does not, and the processes of `./dev run`, which other tests start, are on SQLite.
    """
    for number, item in enumerate(items):
        marks = {mark.name for mark in item.iter_markers()}
        if "sqlite" in marks and marks.isdisjoint({"postgres", "s3", "processes", *_LONG}):
            yield number, item


class Queue:
    """Hands units out to processes, which are known by their numbers."""

    def __init__(self, units: list[Unit]) -> None:
        self._units = units
        self._started: dict[str, set[int]] = {}

    def next_for(self, process: int) -> Unit | None:
        """Return the first that needs no server which only another process has, else the first."""
        if not self._units:
            return None
        unit = next((each for each in self._units if self._suits(each, process)), self._units[0])
        self._units.remove(unit)
        for server in unit.servers:
            self._started.setdefault(server, set()).add(process)
        return unit

    def _suits(self, unit: Unit, process: int) -> bool:
        return all(process in self._started.get(each, {process}) for each in unit.servers)

    def give_back(self, items: list[int]) -> None:
        """Take what a process that ended has not run."""
        if items:
            self._units.insert(0, Unit(items))
