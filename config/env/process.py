"""What this process is: a command that somebody started and waits for, or a part of the service."""

import sys
from pathlib import Path

_COMMAND = sys.argv[1] if Path(sys.argv[0]).name == "manage.py" and len(sys.argv) > 1 else ""
# These serve, although `manage.py` starts them.
_SERVING = {"relay_outbox", "consume_auth_events", "runserver"}

# A command may take as long as it likes; where others wait for an answer, everything is bounded.
IS_COMMAND = bool(_COMMAND) and _COMMAND not in _SERVING
