"""The decoders' program on a system whose kernel has no Landlock; a script as the real one."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
program = runpy.run_path(str(ROOT / "config" / "decoder.py"))

from images.sandbox import decoder, landlock  # noqa: E402 (found only now)

landlock.version = lambda: 0

if __name__ == "__main__":
    decoder.main(program["load"], program["use"], sys.argv[1:])
