"""Forks a process for each program that `loaded_python` is called with; loads libraries for all.

    python loading_server.py SOCKET PROGRAM

The first program is started as it is. What it has loaded when it ends, but for what is ours, the
others find loaded. Nothing but the standard library is imported here, and no thread is started.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from pathlib import Path

# Where libraries lie, Python's own and others.
_LIBRARIES = f"/lib/python{sys.version_info.major}.{sys.version_info.minor}/"


def main(address: Path, program: str) -> None:
    loaded = address.with_name("loaded")
    is_loaded = False
    with socket.socket(socket.AF_UNIX) as listener:
        waiting = address.with_name("waiting")
        listener.bind(str(waiting))
        listener.listen(64)
        waiting.rename(address)
        while True:
            caller, _ = listener.accept()
            collect_ended()
            if not is_loaded and loaded.exists():
                load(json.loads(loaded.read_text()))
                is_loaded = True
            if not os.fork():
                listener.close()
                serve(caller, program, None if is_loaded else loaded)
                return
            caller.close()


def collect_ended() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def load(names: list[str]) -> None:
    """Import what can be imported without settings."""
    for name in names:
        with suppress(BaseException):
            importlib.import_module(name)
    gc.freeze()


def serve(caller: socket.socket, program: str, loaded: Path | None) -> None:
    """Run a program to its end in a process of its own, and say how it ended."""
    size, files, _, _ = socket.recv_fds(caller, 8, 3)
    request = b""
    # Nothing is received from a caller that was killed meanwhile.
    while len(request) < int.from_bytes(size) and (part := caller.recv(65536)):
        request += part
    if pid := os.fork():
        for file in files:
            os.close(file)
        _, status = os.waitpid(pid, 0)
        caller.sendall(str(os.waitstatus_to_exitcode(status) % 256).encode())
        return
    caller.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    if loaded:
        atexit.register(tell, loaded)
    words, folder, environment = json.loads(request)
    run(words, folder, environment, program)


def tell(loaded: Path) -> None:
    """Say which libraries are loaded."""
    files = {name: getattr(module, "__file__", "") or "" for name, module in sys.modules.items()}
    names = [name for name, file in files.items() if _LIBRARIES in file]
    written = loaded.with_name(f"loaded-{os.getpid()}")
    written.write_text(json.dumps(names))
    written.rename(loaded)


def run(words: list[str], folder: str, environment: dict[str, str], program: str) -> None:
    """Be `python WORD…`, in that folder."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # What it starts in turn by its own program's name is forked as well.
    sys.executable = program
    sys.path.insert(0, folder)
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
