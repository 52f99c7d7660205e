"""`./dev bench thumbnails [ROUNDS]`: CPU time and memory beside others, sandbox, whole pipeline.

Two commits (`--compare`) take turns for every round; the pipeline is `./dev bench upload`'s then.
`--sandbox` measures what the sandbox adds alone.
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from benchmarks import turns
from benchmarks.drawn import photographs
from benchmarks.thumbnails import jail, pipeline
from benchmarks.thumbnails.engines import Cost, commands, engine
from benchmarks.thumbnails.pictures import draw_all

ROUNDS = 9


def main(rounds: int) -> None:
    """Measure every way on every picture, then the pipeline; print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = draw_all(folder)
        ways = commands(folder)
        print("Heights 400 and 200, quality 80. CPU: median of", rounds, "rounds, in turn.")
        print("Memory: peak above an idle process, in one that has rendered nothing before.\n")
        for title, picture in pictures.items():
            _report(
                title, picture, _measure_times(ways, picture, rounds), _measure_peaks(ways, picture)
            )
        if not turns.is_compared():
            jail.run(pictures["12 MP jpg"], rounds)
            pipeline.run(pictures["12 MP jpg"])


def _measure_times(ways: dict[str, list[str]], picture: Path, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of CPU; each way renders once in every round."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    with ExitStack() as stack:
        engines = {name: stack.enter_context(engine(way)) for name, way in ways.items()}
        for each in engines.values():
            each.render(picture)
        for _ in tqdm(range(rounds), desc="rendering", leave=False):
            with turns.turn():
                for name, each in engines.items():
                    costs[name].append(each.render(picture))
    return {name: statistics.median(cost.cpu_ms for cost in all_) for name, all_ in costs.items()}


def _measure_peaks(ways: dict[str, list[str]], picture: Path) -> dict[str, float]:
    """Return MiB, after a small picture, so that libraries are loaded."""
    found = {}
    small = picture.parent / "small.jpg"
    if not small.exists():
        _write_small(small)
    for name, way in ways.items():
        with engine(way) as each:
            each.render(small)
            found[name] = each.render(picture).peak_kib / 1024
    return found


def _write_small(path: Path) -> None:
    from benchmarks.thumbnails.pictures import photograph

    photograph(60, 40).save(path)


def _report(title: str, picture: Path, times: dict[str, float], peaks: dict[str, float]) -> None:
    rows = {name: {"CPU ms": took, "peak MiB": peaks[name]} for name, took in times.items()}
    if turns.report(title, rows):
        return
    print(f"{title} ({picture.stat().st_size / 1e6:.1f} MB)")
    print(f"  {'':12} {'CPU ms':>8} {'ours is':>8} {'JPEG is':>8} {'peak MiB':>9}")
    for name, took in times.items():
        whole, jpeg = (f"{times[each] / took:.2f} x" for each in ("ours", "ours, JPEG"))
        print(f"  {name:12} {took:8.1f} {whole:>8} {jpeg:>8} {peaks[name]:9.1f}")
    print(flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench thumbnails", description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=ROUNDS)
    parser.add_argument("--sandbox", action="store_true", help="what the sandbox adds, alone")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    if asked.sandbox:
        jail.run(photographs()["JPEG"], asked.rounds)
    else:
        main(asked.rounds)
