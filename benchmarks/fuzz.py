"""`./dev bench fuzz [SECONDS] [SEED] [ENDINGS]`: damaged pictures through the sandboxed processes.

ENDINGS select files of the corpus by their names: `heic,heif,tif,tiff`.
Prints how many pictures had which outcome, the longest time and this process's memory; fails when
a picture raises anything but a foreseen refusal.
"""

import os
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import django
from tqdm import tqdm

SECONDS, SEED = 600, 20_261_121
CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus" / "files"


def main() -> int:
    """Fuzz for a while and print the outcomes."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else SEED)
    endings = tuple(sys.argv[3].lower().split(",")) if len(sys.argv) > 3 else ("",)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOCAL", "on")
    django.setup()
    outcomes, slowest = _fuzz(_seeds(endings), rng, seconds)
    for name, count in outcomes.most_common():
        print(f"{count:8}  {name}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"slowest {slowest:.2f} s, this process {memory} MiB at most")
    return 0


def _seeds(endings: tuple[str, ...]) -> list[bytes]:
    if not CORPUS.exists():
        raise SystemExit("The corpus is not at ../shared/corpus.")
    named = (path for path in sorted(CORPUS.rglob("*")) if path.name.lower().endswith(endings))
    small = (path for path in named if path.is_file() and 0 < path.stat().st_size < 200_000)
    return [path.read_bytes() for path in small]


def _fuzz(seeds: list[bytes], rng: random.Random, seconds: int) -> tuple[Counter[str], float]:
    from benchmarks.fuzzing import outcome_of
    from benchmarks.mutations import mutate

    outcomes: Counter[str] = Counter()
    slowest, began = 0.0, time.monotonic()
    with tqdm(total=seconds, unit="s") as bar:
        while (passed := time.monotonic() - began) < seconds:
            content, start = mutate(rng.choice(seeds), rng), time.monotonic()
            outcomes[outcome_of(content)] += 1
            slowest = max(slowest, time.monotonic() - start)
            bar.update(int(passed) - bar.n)
    return outcomes, slowest


if __name__ == "__main__":
    sys.exit(main())
