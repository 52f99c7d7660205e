"""Slices of each scenario in turn, so that whatever else the machine does falls on all of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tqdm import tqdm

from benchmarks.http.load import Generator, Load, Result
from benchmarks.http.scenarios import Scenario
from benchmarks.parts import Database
from benchmarks.turns import turn

_WARM_SECONDS = 0.3
_NOT_COUNTED = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")


@dataclass
class Figures:
    """What one scenario did over all its slices."""

    scenario: Scenario
    results: list[Result] = field(default_factory=list)
    cpu: float = 0.0
    # None where the database is somebody else's.
    database_cpu: float | None = None
    queries: int | None = None

    @property
    def count(self) -> int:
        """How many answers."""
        return sum(len(each.delays) for each in self.results)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.count / sum(each.elapsed for each in self.results)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of the web process's CPU for one answer."""
        return self.cpu / self.count * 1000

    @property
    def database_ms(self) -> float | None:
        """Milliseconds of the database's CPU for one answer."""
        return None if self.database_cpu is None else self.database_cpu / self.count * 1000

    @property
    def client_share(self) -> float:
        """How much of a core the load generator took."""
        return sum(e.client_cpu for e in self.results) / sum(e.elapsed for e in self.results)

    def at(self, share: float) -> float:
        """Return a quantile of the answers' times, in milliseconds."""
        delays = sorted(delay for each in self.results for delay in each.delays)
        return delays[int(share * (len(delays) - 1))] * 1000


def measure(
    generator: Generator,
    database: Database,
    scenarios: list[Scenario],
    *,
    seconds: float,
    rounds: int,
) -> dict[str, Figures]:
    """Run all of them `rounds` times in turn, and count each one's queries once."""
    found = {each.name: Figures(each) for each in scenarios}
    for figures in found.values():
        figures.scenario.prepare()
        _slice(generator, figures.scenario, _WARM_SECONDS)
    for figures in tqdm(list(_in_turn(found, rounds)), desc="slices", unit="", leave=False):
        figures.scenario.prepare()
        with turn():
            before, of_database = figures.scenario.server.cpu, database.cpu
            figures.results.append(_slice(generator, figures.scenario, seconds))
            figures.cpu += figures.scenario.server.cpu - before
            after = database.cpu
        if of_database is not None and after is not None:
            figures.database_cpu = (figures.database_cpu or 0.0) + after - of_database
    return found


def _in_turn(found: dict[str, Figures], rounds: int) -> Iterator[Figures]:
    for _ in range(rounds):
        yield from found.values()


def _slice(generator: Generator, scenario: Scenario, seconds: float) -> Result:
    requests = [each.to_bytes() for each in scenario.requests]
    return generator.run(
        Load(scenario.port, requests, scenario.connections, seconds, scenario.expects)
    )


def queries_of(scenario: Scenario) -> int:
    """Count the statements of one request (the second: what a process learns once is known)."""
    client = Client()
    for request in scenario.requests[:1]:
        request.send_to(client).close()
    with CaptureQueriesContext(connection) as captured:
        response = scenario.requests[0].send_to(client)
        response.close()
    if response.status_code != scenario.expects:
        raise RuntimeError(f"{scenario.name}: {response.status_code}, {response.content[:300]!r}")
    return sum(not query["sql"].startswith(_NOT_COUNTED) for query in captured)
