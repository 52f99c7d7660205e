"""What an intruder in a decoder tries: none of it works, and nothing is left of it."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from images.exceptions import PictureTooCostly
from images.sandbox import pool as pools
from images.sandbox.confine import UNPRIVILEGED
from images.sandbox.pool import Pool
from tests.images.sandbox.hostile import ATTEMPTS
from tests.images.sandbox.pools import hostile_pool, run, template_of
from tests.waiting import until

REFUSED = {"PermissionError", "OSError", "MemoryError", "ValueError", "killed"}


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with pytest.MonkeyPatch.context() as patched, hostile_pool(size=2) as pool:
        # Another program after each that is killed is asked for in `test_pool`.
        patched.setattr(pools, "_FAULTS", frozenset())
        yield pool


def marks(path: Path) -> list[int]:
    """What an attempt could change of a file, beside its content."""
    now = path.stat()
    return [now.st_mode, now.st_uid, now.st_nlink, now.st_size, now.st_mtime_ns, now.st_ctime_ns]


def outcome(pool: Pool, operation: str, **arguments: Any) -> Any:
    try:
        reply = run(pool, operation, **arguments)
        return reply.get("result", reply)
    except PictureTooCostly:
        return {"outcome": "killed"}


@pytest.mark.unhurried
@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_intruder_cannot(pool: Pool, tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o777)
    victim = tmp_path / "file"
    victim.write_text("untouched")
    before = marks(victim)
    found = outcome(pool, "attempt", name=name, folder=str(tmp_path))
    assert found["outcome"] in REFUSED, found
    assert (victim.read_text(), marks(victim)) == ("untouched", before)
    assert list(tmp_path.iterdir()) == [victim]


def test_there_are_more_than_forty_attempts() -> None:
    assert len(ATTEMPTS) > 100


def test_each_job_has_a_process_of_its_own_and_another_user(pool: Pool) -> None:
    first, second = (outcome(pool, "describe_itself") for _ in range(2))
    assert len({first["process"], second["process"], os.getpid()}) == 3
    expected = UNPRIVILEGED if os.geteuid() == 0 else os.getuid()
    assert (first["user"], second["user"]) == (expected, expected)


def test_threads_that_are_left_running_end_with_their_job(pool: Pool) -> None:
    assert outcome(pool, "start_threads")["threads"] == 9
    process = outcome(pool, "describe_itself")["process"]
    deadline = time.monotonic() + 5
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.unhurried
def test_a_decoder_that_does_not_answer_is_ended(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "TIMEOUT_SECONDS", 0.5)
    for operation in ("sleep", "answer_for_ever", "use_the_cpu"):
        began = time.monotonic()
        assert outcome(pool, operation) == {"outcome": "killed"}
        assert time.monotonic() - began < 5
    assert outcome(pool, "describe_itself")["process"]


def cpu_limits(pool: Pool) -> set[tuple[str, str]]:
    """The limits of those that are ready for a picture, in seconds or `unlimited`, by proc(5)."""
    template = str(template_of(pool))
    found: set[tuple[str, str]] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            _, _, fields = (process / "stat").read_text().rpartition(")")
            if fields.split()[1] == template:
                limits = (process / "limits").read_text()
                found.update(re.findall(r"Max cpu time +(\S+) +(\S+)", limits))
    return found


def test_a_decoder_has_ten_seconds_of_cpu(pool: Pool) -> None:
    assert outcome(pool, "describe_itself")["process"]
    until(lambda: cpu_limits(pool) == {("10", "10")}, 10, lambda: str(cpu_limits(pool)))


@pytest.mark.nightly
def test_a_decoder_that_has_used_its_cpu_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one second here, by the same limit."""
    monkeypatch.setattr(pools, "TIMEOUT_SECONDS", 60)
    with hostile_pool(flags=("--cpu-seconds=1",)) as pool:
        began = time.monotonic()
        assert outcome(pool, "use_the_cpu") == {"outcome": "killed"}
        assert 0.9 < time.monotonic() - began < 50
