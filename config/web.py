"""Become granian with its own options, once the settings are valid: `python -m config.web …`.

Granian alone starts its workers first, and each of them would report a bad setting again. What was
loaded to see them goes with this program, and so is not kept beside the workers.
"""

import os
import sys

from django.conf import settings

from config.start import load_settings, require_walls

if __name__ == "__main__":
    load_settings()
    require_walls()
    seconds = settings.DRAIN_SECONDS
    program = ["lib.draining_server", str(seconds)] if seconds else ["granian"]
    os.execv(sys.executable, [sys.executable, "-m", *program, *sys.argv[1:]])  # noqa: S606 (no shell is wanted)
