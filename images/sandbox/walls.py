"""Which walls around a decoder this system can build: tried, not guessed."""

import json
import subprocess
from dataclasses import dataclass

from django.conf import settings

from images.sandbox import replies
from images.sandbox.confine import WALLS
from images.sandbox.template import start_program
from lib.made_once import made_once

_TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Walls:
    """What was tried, by the name of each wall: "" where it stands, else why it does not."""

    tried: dict[str, str]

    @property
    def missing(self) -> str:
        """Name the walls that do not stand, with the reasons; "" where all stand."""
        return ", ".join(f"{name} ({reason})" for name, reason in self.tried.items() if reason)

    def __str__(self) -> str:
        """Say what stands and what does not."""
        standing = ", ".join(name for name, reason in self.tried.items() if not reason)
        return f"{standing} stand" + (f"; missing: {self.missing}" if self.missing else "")


@made_once
def find_walls() -> Walls:
    """Have the decoders' program build its walls and end; asked once for each process."""
    with start_program(settings.DECODER_PROGRAM, ["--walls"]) as process:
        try:
            output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            output = b""
    try:
        tried = json.loads(output)
        return Walls({name: replies.text(tried[name], replies.REASON) for name in tried})
    except (ValueError, TypeError, AttributeError, replies.Malformed):
        return Walls(dict.fromkeys(WALLS, f"the program ended with {process.returncode}"))
