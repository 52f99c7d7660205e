"""Programs of the loaded `python` are as those of any other, but that libraries are there."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from devkit.children import Reaper
from tests.servers import loaded_python
from tests.servers.loaded_python import LoadedProcess
from tests.waiting import until

pytestmark = pytest.mark.slow
LIBRARY = "xml.dom.minidom"
PROGRAM = f"""
import os, sys
print("library" if "{LIBRARY}" in sys.modules else "no library")
print("ours" if "ours" in sys.modules else "nothing of ours")
import ours, {LIBRARY}
print(__name__, sys.argv, os.getcwd(), os.environ.get("NAMED"), sys.stdin.read())
print("a complaint", file=sys.stderr)
"""


def run(python: Path, folder: Path, *words: str, **variables: str) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [python, *words], cwd=folder, env={"PATH": os.environ["PATH"], **variables},
        input="what is read", capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_program_finds_libraries_and_else_what_is_its_own(reaper: Reaper, tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text("")
    (tmp_path / "program.py").write_text(PROGRAM)
    python = loaded_python.start(reaper)
    assert run(python, tmp_path, "program.py")[1][:2] == ["no library", "nothing of ours"]
    code, said, complained = run(python, tmp_path, "program.py", "a word", NAMED="here")
    assert (code, complained) == (0, "a complaint\n")
    assert said[:2] == ["library", "nothing of ours"]
    assert said[2] == f"__main__ ['program.py', 'a word'] {tmp_path} here what is read"


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit('why')", 1, "why\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 247, ""),
    ],
)
def test_how_a_program_ends_is_told(
    quick_python: Path, tmp_path: Path, program: str, code: int, words: str
) -> None:
    (tmp_path / "program.py").write_text(program)
    ended, said, complained = run(quick_python, tmp_path, "program.py")
    assert (ended, said) == (code, [])
    assert complained.endswith(words)


def test_a_program_that_it_starts_by_its_own_name_is_forked_too(
    quick_python: Path, tmp_path: Path
) -> None:
    (tmp_path / "inner.py").write_text("import sys; print(sys.executable)")
    (tmp_path / "outer.py").write_text(
        "import subprocess, sys; subprocess.run([sys.executable, 'inner.py'], check=True)"
    )
    assert run(quick_python, tmp_path, "outer.py")[:2] == (0, [str(quick_python)])


def test_what_is_no_program_of_a_file_or_a_module_is_run_by_python_itself(
    quick_python: Path, tmp_path: Path
) -> None:
    code, said, _ = run(quick_python, tmp_path, "-c", "print(6 * 7)")
    assert (code, said) == (0, ["42"])


SERVICE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("prometheus_client" in sys.modules, flush=True)
import prometheus_client
print("started", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 5), (signal.SIGKILL, -9)])
def test_what_runs_until_it_is_told_to_end_hears_signals_itself(
    tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    """What reads the environment when it is imported is never found loaded."""
    (tmp_path / "service.py").write_text(SERVICE)
    said = tmp_path / "said"
    with said.open("w") as output:
        process = LoadedProcess(
            ["service.py"], cwd=tmp_path, env={"LANG": "C.UTF-8"}, output=output
        )
    until(lambda: said.read_text() == "False\nstarted\n", 60, said.read_text)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    assert process.poll() is None
    process.send_signal(signum)
    assert process.wait(20) == code
    assert (process.poll(), process.wait()) == (code, code)
    with pytest.raises(ProcessLookupError):
        until(lambda: os.kill(process.pid, 0), 20, said.read_text)
