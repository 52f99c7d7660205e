"""A worker that is loaded once and forked for each start, as often as it is killed.

    python -m tests.faults.forking_worker PID_FILE ARGUMENT…

What Celery and the service import takes a second of a core, which is most of a worker's start.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from celery.apps import worker
from celery.bin import celery
from celery.concurrency import thread

from config.celery import app
from devkit.launch import PR_SET_PDEATHSIG

LOADED = (worker, celery, thread)


def main(pid_file: Path, arguments: list[str]) -> None:
    """Start it again whenever it was killed; the file names the process that runs."""
    app.loader.import_default_modules()
    status = signal.SIGKILL.value
    while os.WIFSIGNALED(status):
        pid = os.fork()
        if not pid:
            # It leads its group, and goes with the process that forks.
            os.setpgid(0, 0)
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            app.worker_main(arguments)
            os._exit(0)
        with suppress(PermissionError, ProcessLookupError):  # it has done so itself, or is gone
            os.setpgid(pid, pid)
        written = pid_file.with_suffix(".new")
        written.write_text(str(pid))
        written.rename(pid_file)
        _, status = os.waitpid(pid, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
