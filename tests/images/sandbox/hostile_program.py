"""The decoders' program with `hostile` for its decoders: all of them were taken over.

A script, as `config/decoder.py` is.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from images.sandbox import decoder


def load() -> decoder.Operations:
    from tests.images.sandbox.hostile import OPERATIONS

    return OPERATIONS


if __name__ == "__main__":
    decoder.main(load, lambda _: None, sys.argv[1:])
