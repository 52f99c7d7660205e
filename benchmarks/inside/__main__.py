"""`./dev bench inside [--pictures N] [--calls N] [--rounds R] [--only WORD …]`: requests, inside.

The CPU time of the web process for a request, as `./dev bench http` asks it, with no server and no
network around it: a process of its own for each application calls it, and they take turns. So it
says little of a whole service, and tells small differences on a busy machine. Uses
BENCH_DATABASE_URL (empty) and BENCH_REDIS_URL where they are set, else private servers.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from operator import sub, truediv
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from benchmarks.http import servers as started
from benchmarks.tables import note, show
from benchmarks.turns import turn
from devkit.children import Reaper

_ACCOUNTS = 400
_LINKS = (
    *("link, opened once", "link, its picture's first opening"),
    *("link, opened repeatedly", "link, cache_seconds"),
)
# Calls of what takes longest, by a word in its table's title.
_SLOW = {"Sign-in": 20}
_SHOWN_OF_LOG = 2_000
# Before each slice, also of what takes long.
_WARM_CALLS = 20


class Process:
    """An application's process; it stands in for the server that `benchmarks.http` starts."""

    port = 0

    def __init__(self, stack: ExitStack, log: Any, module: str, **settings: str) -> None:
        self._log = Path(log.name)
        self._child = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.inside.caller", module],
                env={**os.environ, "LOG_LEVEL": "INFO", **settings},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        )
        stack.callback(self._child.kill)

    def ask(self, do: str, **what: Any) -> Any:
        """Have it do something; raise RuntimeError where it failed."""
        if self._child.stdin is None or self._child.stdout is None:
            raise TypeError("it has pipes")
        self._child.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        if not answer:
            said = self._log.read_text(errors="replace")[-_SHOWN_OF_LOG:]
            raise RuntimeError(f"The application failed. It said last:\n{said}")
        return json.loads(answer)


def main() -> None:
    """Fill, measure and say."""
    asked = _arguments()
    with ExitStack() as stack:
        reaper = stack.enter_context(Reaper())
        folder, _ = started.prepare(reaper)
        # What follows needs models.
        from benchmarks.http.rows import fill

        fill(asked.pictures, min(_ACCOUNTS, asked.pictures // 50))
        (folder / "images").mkdir(exist_ok=True)
        log = stack.enter_context((folder / "log").open("ab"))
        _measure_all(asked, _start(stack, log), folder)


def _start(stack: ExitStack, log: Any) -> Any:
    """Return what `benchmarks.http` calls Servers."""
    web = Process(stack, log, "config.wsgi")
    return SimpleNamespace(
        web=web,
        web2=web,
        kept=Process(stack, log, "config.wsgi", CACHE_SECONDS="15"),
        bare=Process(stack, log, "benchmarks.http.bare"),
        bare_drf=Process(stack, log, "benchmarks.http.bare_drf"),
        floor=Process(stack, log, "benchmarks.http.floor"),
        nginx=SimpleNamespace(front=0, floor=0),
    )


def _measure_all(asked: argparse.Namespace, servers: Any, folder: Path) -> None:
    from benchmarks.http import scenarios as s
    from benchmarks.http.people import collector, people
    from benchmarks.http.suite import choose

    everyone, rich = people(folder), collector()
    floors = s.floors(servers, everyone)
    redirect = s.named(floors, s.BARE_REDIRECT)
    groups = {
        "Lists": [*s.dicts(servers, everyone), *s.lists(servers, everyone, rich)],
        "Single reads": [*s.named(floors, s.BARE_VIEW), *s.reads(servers, everyone)],
        "Files": [
            *redirect,
            *s.named(floors, s.THUMBNAIL_REDIRECT),
            *s.files(servers, everyone),
        ],
        "Links": [*redirect, *s.named(s.links(servers, everyone), *_LINKS)],
        "Sign-in": [each for each in s.sign_ins(servers, everyone) if each.connections == 1],
    }
    _leave_headers(servers.web, everyone[0])
    for title, group in groups.items():
        if chosen := choose(title, group, asked.only):
            calls = min(asked.calls, _SLOW.get(title, asked.calls))
            _show(title, chosen, _measure(chosen, calls, asked.rounds))
    note(f"\nMedians of {asked.rounds} slices, in turn; {asked.pictures} pictures.")


def _measure(scenarios: Sequence[Any], calls: int, rounds: int) -> dict[str, list[float]]:
    """Return the CPU milliseconds for a call, of each slice."""
    for each in scenarios:
        each.server.ask(
            "learn",
            name=each.name,
            requests=[_environ_of(request) for request in each.requests],
            expects=each.expects,
        )
        each.prepare()
    found: dict[str, list[float]] = {each.name: [] for each in scenarios}
    for _ in range(rounds):
        for each in scenarios:
            each.prepare()
            # What is kept for seconds may have gone since the last slice.
            each.server.ask("send", name=each.name, times=_WARM_CALLS)
            with turn():
                took = each.server.ask("send", name=each.name, times=calls)["cpu"]
            found[each.name].append(took / calls * 1000)
    return found


def _show(title: str, scenarios: Sequence[Any], found: dict[str, list[float]]) -> None:
    rows: dict[str, dict[str, float | None]] = {}
    for each in scenarios:
        own, floor = found[each.name], found.get(each.against)
        rows[each.name] = {
            "CPU us": median(own) * 1000,
            "the least": min(own) * 1000,
            # Of the slices that followed one another, which had the same of the machine.
            "over floor": median(map(truediv, own, floor)) if floor else None,
            "beyond, us": median(map(sub, own, floor)) * 1000 if floor else None,
        }
    show(title, rows)


def _environ_of(request: Any) -> dict[str, str]:
    split = urlsplit(request.path)
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if f"HTTP_{name}" in headers:
            headers[name] = headers.pop(f"HTTP_{name}")
    # nginx names itself as the last proxy, and each request.
    headers["HTTP_X_FORWARDED_FOR"] += ", 127.0.0.1"
    headers["HTTP_X_REQUEST_ID"] = "0123456789abcdef0123456789abcdef"
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": split.path,
        "QUERY_STRING": split.query,
        "body": request.body.decode("latin-1"),
        **headers,
    }


def _leave_headers(web: Process, person: Any) -> None:
    """Let the bare view give files the headers that the service gives them."""
    from benchmarks.http.requests import Request
    from images.signed_urls import signed_path

    asked = _environ_of(Request(signed_path(person.pictures[0].key)))
    web.ask("learn", name="", requests=[asked], expects=200)
    headers = web.ask("send", name="", times=1)["headers"]
    named = [pair for pair in headers if pair[0] != "X-Accel-Redirect"]
    Path(os.environ["BENCH_HEADERS"]).write_text(json.dumps(named))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench inside", description=__doc__)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=200, help="of one slice")
    parser.add_argument("--rounds", type=int, default=11, help="slices of each scenario")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="rows or tables whose name has a word"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
