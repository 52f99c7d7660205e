"""Forks a process for each program that `loaded_python` is called with; loads libraries for all.

    python loading_server.py SOCKET PROGRAM

What a program imports, but for what is ours, later ones find loaded: the first is started as it is.
Nothing but the standard library is imported here, and no thread is started.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from pathlib import Path

# It reads the environment when it is imported.
NOT_BEFORE = {"prometheus_client"}


def main(address: Path, program: str) -> None:
    imported = address.with_name("imported")
    imported.touch()
    known: set[str] = set()
    with socket.socket(socket.AF_UNIX) as listener, imported.open() as names:
        waiting = address.with_name("waiting")
        listener.bind(str(waiting))
        listener.listen(64)
        waiting.rename(address)
        while True:
            caller, _ = listener.accept()
            collect_ended()
            load(names.read().split(), known)
            if not os.fork():
                listener.close()
                serve(caller, program, imported)
                return
            caller.close()


def collect_ended() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def load(names: list[str], known: set[str]) -> None:
    """Import what can be imported without settings, and was not tried before."""
    for name in names:
        if name not in known:
            known.add(name)
            with suppress(BaseException):
                importlib.import_module(name)
    gc.freeze()


def serve(caller: socket.socket, program: str, imported: Path) -> None:
    """Run a program in a process of its own; say which, and how it ended."""
    size, files, _, _ = socket.recv_fds(caller, 8, 3)
    request = b""
    # Nothing is received from a caller that was killed meanwhile.
    while len(request) < int.from_bytes(size) and (part := caller.recv(65536)):
        request += part
    if pid := os.fork():
        for file in files:
            os.close(file)
        with suppress(ConnectionError):
            caller.sendall(f"{pid:8}".encode())
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            assert ended
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            caller.sendall(str(code).encode())
            # Its number is no other's before the caller has heard of its end.
            caller.recv(1)
        os.waitpid(pid, 0)
        return
    caller.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    words, folder, environment = json.loads(request)
    note_imports(imported, {each.stem for each in Path(folder).iterdir()} | NOT_BEFORE)
    run(words, folder, environment, program)


def note_imports(imported: Path, but_for: set[str]) -> None:
    """Write down the names of libraries that are imported from now on, in their order."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "import" and str(arguments[0]).partition(".")[0] not in but_for:
            with imported.open("a") as file:
                file.write(f"{arguments[0]}\n")

    sys.addaudithook(note)


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
