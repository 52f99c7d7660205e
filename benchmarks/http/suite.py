"""What is measured together, and what is held against a target."""

import time
from pathlib import Path

from django.contrib.auth.hashers import check_password, make_password

from benchmarks.http import scenarios as s
from benchmarks.http.load import Generator
from benchmarks.http.measuring import measured, queries_of
from benchmarks.http.pages import doubled, pages
from benchmarks.http.people import collector, people
from benchmarks.http.report import print_table
from benchmarks.http.rows import PASSWORD
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
        "Lists": [floors[0], *floors[4:], *lists],
        "Pages": pages(servers, rich),
        "Single reads": [floors[0], *reads],
        "Files, behind nginx": [*floors[1:4], *files],
        "Sign-in": sign_ins,
        "Uploads": uploads,
        "One web process, and two": doubled(
            servers, [lists[0], reads[0], files[1], sign_ins[1], uploads[0]]
        ),
    }
    for title, group in groups.items():
        found = measured(generator, group, seconds=seconds, rounds=rounds)
        for figures in found.values():
            ours = figures.scenario.server not in {servers.bare, servers.floor}
            figures.queries = queries_of(figures.scenario) if ours else None
        print_table(title, found)
    print(f"one password hash: {_hash_ms():.1f} ms")


def _hash_ms() -> float:
    """Time the hash alone, in this process."""
    known = make_password(PASSWORD)
    times = []
    for _ in range(30):
        begin = time.perf_counter()
        check_password(PASSWORD, known)
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 2] * 1000
