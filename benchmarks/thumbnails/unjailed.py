"""`python -m benchmarks.thumbnails.unjailed`: do the decoders' operations without the sandbox.

Reads an operation, its file and its arguments as a line of JSON, and prints one with the result,
and the milliseconds that it took: CPU of all threads, and by the clock.
"""

import json
import mmap
import sys
import time
from pathlib import Path
from typing import Any

from config import decoder as decoders
from images.sandbox.decoder import Operations, Output
from images.sandbox.memory import share_heap


def main() -> None:
    """Serve until the input ends."""
    share_heap()
    operations = decoders.load()
    for line in sys.stdin:
        print(json.dumps(_do(operations, json.loads(line))), flush=True)


def _do(operations: Operations, asked: dict[str, Any]) -> dict[str, Any]:
    with Path(asked["source"]).open("rb") as file, Path(asked["output"]).open("wb") as output:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        cpu, clock = time.process_time(), time.perf_counter()
        target = Output(output.fileno())
        result = operations[asked["operation"]](content, asked["arguments"], target)
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    return {"result": result, "took": {"cpu": 1000 * cpu, "clock": 1000 * clock}}


if __name__ == "__main__":
    main()
