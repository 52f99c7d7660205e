"""`./dev bench http [--pictures N] [--seconds S] [--rounds R] [--only WORD …]`: what requests cost.

Needs nginx on PATH. Uses BENCH_DATABASE_URL and BENCH_REDIS_URL where they are set (the database
must be empty), else private servers. All that is measured runs in one go, in turns.
"""

import argparse
import time
from contextlib import ExitStack, closing

from benchmarks.http import servers as started
from benchmarks.http.load import Generator
from benchmarks.tables import note
from devkit.children import Reaper

ACCOUNTS = 10_000


def main() -> None:
    """Fill, measure and say."""
    asked = _arguments()
    with ExitStack() as stack:
        reaper = stack.enter_context(Reaper())
        folder, database = started.prepare(reaper)
        # What follows needs models.
        from benchmarks.http.rows import fill, size
        from benchmarks.http.suite import run

        begin = time.monotonic()
        fill(asked.pictures, min(ACCOUNTS, asked.pictures // 50))
        took = time.monotonic() - begin
        note(f"{asked.pictures} pictures in {took:.0f} s, {size()}\n")
        servers = started.start(reaper, folder)
        generator = stack.enter_context(closing(Generator()))
        run(generator, servers, database, folder, asked)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench http", description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one slice")
    parser.add_argument("--rounds", type=int, default=3, help="slices of each scenario")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="rows or tables whose name has a word"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
