"""What is measured together, and what is held against a target."""

from pathlib import Path

from benchmarks.http import scenarios as s
from benchmarks.http.load import Generator
from benchmarks.http.measuring import Figures, measure, queries_of
from benchmarks.http.pages import pages, scenarios_for_two_workers
from benchmarks.http.people import collector, people
from benchmarks.http.report import print_table, print_targets
from benchmarks.http.servers import Servers


def run(
    generator: Generator, servers: Servers, folder: Path, *, seconds: float, rounds: int
) -> None:
    """Measure each group in turn and print it."""
    everyone, rich = people(folder), collector()
    floors, lists = s.floors(servers, everyone), s.lists(servers, everyone, rich)
    reads, files = s.reads(servers, everyone), s.files(servers, everyone)
    sign_ins = s.sign_ins(servers, everyone)
    uploads = s.uploads(servers, everyone, folder)
    groups = {
        "Lists": [floors[0], *floors[5:], *lists],
        "Pages": pages(servers, rich),
        "Single reads": [floors[0], *reads],
        "Files, behind nginx": [*floors[1:5], *files],
        "Links, behind nginx": [floors[2], *s.links(servers, everyone)],
        "Sign-in": sign_ins,
        "Uploads": uploads,
        "One web process, and two": scenarios_for_two_workers(
            servers, [lists[0], reads[0], files[1], sign_ins[3], uploads[0]]
        ),
    }
    everything: dict[str, Figures] = {}
    for title, group in groups.items():
        found = measure(generator, group, seconds=seconds, rounds=rounds)
        for figures in found.values():
            ours = figures.scenario.server not in {servers.bare, servers.bare_drf, servers.floor}
            figures.queries = queries_of(figures.scenario) if ours else None
        print_table(title, found)
        everything |= found
    print_targets(everything)
