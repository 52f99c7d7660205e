"""A run in forked processes says of every test what a run in one process says."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.processes import ROOT, newcomers_environment

FILES = {
    "test_first.py": """
        import os, signal, time, warnings
        import pytest

        @pytest.fixture(scope="module")
        def started(): return [os.getpid()]

        @pytest.fixture
        def broken(): raise LookupError("in its set-up")

        def test_it_passes(started): started.append(1)
        def test_its_file_stays_together(started): assert started == [os.getpid(), 1]
        def test_it_fails(): print("what it printed"); assert {"a": 1} == {"a": 2}
        def test_it_cannot_be_set_up(broken): ...
        def test_it_is_skipped(): pytest.skip("not here")
        @pytest.mark.timeout(1)
        def test_it_takes_too_long(): time.sleep(60)
        @pytest.mark.filterwarnings("default")
        def test_it_warns(): warnings.warn("what it warned of")
        def test_its_process_ends(): os.kill(os.getpid(), signal.SIGKILL)
        def test_after_the_process_has_ended(): ...
    """,
    "test_apart.py": """
        import pytest
        pytestmark = pytest.mark.apart
        ended = []

        @pytest.fixture(scope="session")
        def kept(): yield; ended.append("session")

        def test_one(kept): assert not ended
        def test_another_perhaps_in_the_same_process(kept): assert not ended
    """,
    "test_second.py": """
        import pytest
        from django.conf import settings
        from django.core.cache import cache
        from django.db import connection
        from accounts.models import User
        from tests.factories import make_user

        @pytest.mark.sqlite
        def test_it_has_a_database(db):
            make_user("alice", "Basic")
            assert connection.vendor == "sqlite"
            assert User.objects.count() == 1

        def test_it_has_a_cache_and_a_folder_of_its_own():
            cache.set("a", 1)
            assert cache.get("a") == 1
            assert settings.DATA_DIR.exists()
    """,
}


def run_pytest(folder: Path, *options: str) -> str:
    for name, source in FILES.items():
        (folder / name).write_text(re.sub(r"^ {8}", "", source, flags=re.MULTILINE))
    command = [
        sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "no:randomly",
        "-p", "no:cacheprovider", "-W", "default", "-rA", *options, str(folder),
    ]  # fmt: skip
    environment = newcomers_environment() | {"TEST_DATABASE": "sqlite", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    return done.stdout


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_every_outcome_is_reported(tmp_path: Path) -> None:
    output = run_pytest(tmp_path, "--processes", "2", "--also-on-sqlite", "quick")
    outcomes = Counter(re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) ", output, re.MULTILINE))
    # One test ran twice: it is marked for SQLite.
    assert outcomes == {"PASSED": 9, "FAILED": 3, "ERROR": 1, "SKIPPED": 1}, output
    for words in (
        "test_it_has_a_database (sqlite)",
        "Differing items",  # what pytest explains of an assertion
        "what it printed",
        "what it warned of",
        "Timeout (>1.0s)",
        "was ended by signal 9 (SIGKILL)",
        "1 skipped, 1 warning, 1 error",
    ):
        assert words in output, output


def test_the_numbers_of_processes_are_told_to_who_looks_for_ports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.servers import ports

    found = []
    for number in "01":
        monkeypatch.setitem(os.environ, ports.PROCESS, number)
        found.append(ports.free_ports(1)[0] % ports.MAX_WORKERS)
    assert found == [ports.MIN_PORT % 16, (ports.MIN_PORT + 1) % 16]
