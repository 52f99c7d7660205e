"""What is measured together, and what is held against a target."""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import requests

from benchmarks.http import scenarios as s
from benchmarks.http.load import Generator
from benchmarks.http.measuring import Figures, measure, queries_of
from benchmarks.http.pages import pages, scenarios_for_two_workers
from benchmarks.http.people import Person, collector, people
from benchmarks.http.report import print_table, print_targets
from benchmarks.http.requests import Request
from benchmarks.http.servers import Servers
from benchmarks.http.staff import pages_of_staff
from benchmarks.parts import Database
from images.signed_urls import signed_path

# Of a file's headers, what nginx writes by itself, and what a connection has.
_NGINXS = frozenset(
    {"server", "date", "connection", "content-length", "last-modified", "etag", "accept-ranges"}
)


def run(
    generator: Generator,
    servers: Servers,
    database: Database,
    folder: Path,
    asked: argparse.Namespace,
) -> None:
    """Measure each group in turn and print it."""
    everyone, rich = people(folder), collector()
    floors, lists = s.floors(servers, everyone), s.lists(servers, everyone, rich)
    reads, files = s.reads(servers, everyone), s.files(servers, everyone)
    sign_ins = s.sign_ins(servers, everyone)
    uploads = s.uploads(servers, everyone, folder)
    bare_view = s.named(floors, s.BARE_VIEW)
    of_two = [
        *s.named(lists, "restful images/ (100)"),
        *s.named(reads, "restful images/id/"),
        *s.named(files, "signed thumbnail"),
        *s.named(sign_ins, "/auth/signin, 8 at a time"),
        next(each for each in uploads if each.name.startswith("upload, form")),
    ]
    groups = {
        "Lists": [*bare_view, *s.dicts(servers, everyone), *lists],
        "Pages": pages(servers, rich),
        "Admin": pages_of_staff(servers, everyone, rich) if _asks_for_admin(asked.only) else [],
        "Single reads": [*bare_view, *reads],
        "Files, behind nginx": [*(each for each in floors if each not in bare_view), *files],
        "Links, behind nginx": [
            *s.named(floors, s.BARE_REDIRECT),
            *s.links(servers, everyone),
        ],
        "Sign-in": sign_ins,
        "Uploads, until the 201": uploads,
        "One web process, and two": scenarios_for_two_workers(servers, of_two),
    }
    _leave_headers(servers, everyone[0])
    everything: dict[str, Figures] = {}
    for title, group in groups.items():
        chosen = choose(title, group, asked.only)
        if not chosen:
            continue
        found = measure(generator, database, chosen, seconds=asked.seconds, rounds=asked.rounds)
        for figures in found.values():
            # Those of what is kept differ: this process keeps nothing.
            others = {servers.bare, servers.bare_drf, servers.floor, servers.kept}
            has_ours = figures.scenario.server not in others
            figures.queries = queries_of(figures.scenario) if has_ours else None
        print_table(title, found)
        everything |= found
    if not asked.only:
        print_targets(everything)


def choose(title: str, group: Sequence[s.Scenario], words: Sequence[str]) -> list[s.Scenario]:
    """Return the scenarios of a table that are asked for, and those that they are held against."""
    if not words or _has_any(words, title):
        return list(group)
    asked = {each.name for each in group if _has_any(words, each.name)}
    against = {each.against for each in group if each.name in asked}
    return [each for each in group if each.name in asked | against]


def _asks_for_admin(words: Sequence[str]) -> bool:
    # Counting for its first page takes a while, which the other rows need not wait for.
    return not words or any("admin" in word.lower() for word in words)


def _has_any(words: Sequence[str], name: str) -> bool:
    return any(word.lower() in name.lower() for word in words)


def _leave_headers(servers: Servers, person: Person) -> None:
    """Let the bare view give files the headers that the service gives them."""
    request = Request(signed_path(person.pictures[0].key))
    address = f"http://127.0.0.1:{servers.nginx.front}{request.path}"
    answer = requests.get(address, headers=request.headers, timeout=30)
    answer.raise_for_status()
    headers = [pair for pair in answer.headers.items() if pair[0].lower() not in _NGINXS]
    Path(os.environ["BENCH_HEADERS"]).write_text(json.dumps(headers))
