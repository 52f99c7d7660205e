"""`python -m benchmarks.thumbnails.worker WAY FOLDER`: render each path on standard input.

Prints a line of JSON: CPU time of all threads in milliseconds, and peak memory above what the
process held before, in KiB.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.thumbnails.ways import WAYS, Way


def main(name: str, folder: str) -> None:
    """Serve until the input ends."""
    for line in sys.stdin:
        print(json.dumps(_measure(WAYS[name], Path(line.strip()), Path(folder))), flush=True)


def _measure(way: Way, source: Path, into: Path) -> dict[str, float]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start = _kib("VmRSS"), time.process_time()
    way(source, into)
    return {"cpu_ms": (time.process_time() - start) * 1000, "peak_kib": _kib("VmHWM") - before}


def _kib(field: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
