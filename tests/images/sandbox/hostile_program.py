"""The decoders' program with `hostile` for its decoders: all of them were taken over.

A script, as `config/decoder.py` is. `--cpu-seconds=1` is another limit than the service's.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from images.sandbox import confine, decoder

_CPU_FLAG = "--cpu-seconds="


def load() -> decoder.Operations:
    from tests.images.sandbox.hostile import OPERATIONS

    return OPERATIONS


if __name__ == "__main__":
    for flag in sys.argv:
        if flag.startswith(_CPU_FLAG):
            confine.MAX_CPU_SECONDS = int(flag.removeprefix(_CPU_FLAG))
    decoder.main(load, lambda _: None, sys.argv[1:])
