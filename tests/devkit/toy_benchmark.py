"""`python -m tests.devkit.toy_benchmark LOG NAME COUNT`: measures nothing, so many times."""

import sys
import time
from pathlib import Path

from benchmarks.tables import show
from benchmarks.turns import turn


def main(log: Path, name: str, count: int) -> None:
    for _ in range(count):
        with turn():
            _write(log, f"{name}<")
            time.sleep(0.05)
            _write(log, f"{name}>")
    show("Toys", {name: {"ms": float(count), "none": None}})


def _write(log: Path, word: str) -> None:
    with log.open("a") as file:
        file.write(f"{word}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
