"""Web processes that are killed while they take pictures."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from images.sandbox.work_dir import STALE_AFTER_SECONDS
from tests.faults.accounting import Disk, Tables, check_nothing_lost
from tests.faults.deployment import Deployment, until
from tests.faults.uploads import Load

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.apart,
    pytest.mark.rabbitmq, pytest.mark.timeout(480),
    pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc"),
]  # fmt: skip

KILLS, THREADS, AFTER = 6, 4, 10


def test_a_killed_web_process_breaks_its_requests_which_are_stored_once_when_sent_again(
    deploy: Callable[..., Deployment], tables: Tables, report_figures: Callable[[str], None]
) -> None:
    # The tier with the fewest thumbnails: what renders them is not what is killed.
    deployment, chance = deploy(SIGNUP_TIER="Basic"), random.Random(1)
    data = deployment.folder / "data"
    with Load(deployment, threads=THREADS, size=(1600, 1200), repeats=True) as load:
        for _ in range(KILLS):
            wait_for(2, load, deployment)
            time.sleep(chance.uniform(0, 0.1))  # any moment of an upload
            kill_one_server(deployment, chance)
        wait_for(AFTER, load, deployment)
    figures = check_nothing_lost(load, tables, Disk(data / "images"), max_orphans=KILLS * THREADS)
    assert len(tables.rows("SELECT id FROM images_picture")) == load.count_stored()
    # The folder of pixels stays; what lies in it goes by the clock (tests/images/test_pixels.py).
    left = [path for path in (data / "work").iterdir() if path.name != "pixels"]
    make_stale(left)
    deployment.kill("web")
    deployment.start_one("web")
    until(deployment.answers, "the web process answers")
    with Load(deployment, name="bob") as later:
        later.until_stored(1)
        until(lambda: not any(path.exists() for path in left), "what was left is gone")
    report_figures(
        f"{KILLS} kills, {load.count_repeated} repeated uploads, {len(left)} files left in the "
        f"work folder and removed: {figures}"
    )


def wait_for(more: int, load: Load, deployment: Deployment) -> None:
    goal = load.count_stored() + more

    def goal_is_reached() -> bool:
        deployment.keep_running("web")
        return load.count_stored() >= goal

    until(goal_is_reached, f"{more} more uploads")


def kill_one_server(deployment: Deployment, chance: random.Random) -> None:
    """Kill one of the processes that answer requests, which granian replaces.

    Where several die within seconds, granian ends itself, and its container is started again.
    """
    found = until(lambda: servers(deployment), "a process that answers")
    with suppress(ProcessLookupError):
        os.kill(chance.choice(found), signal.SIGKILL)


def servers(deployment: Deployment) -> list[int]:
    deployment.keep_running("web")
    found = []
    for task in Path(f"/proc/{deployment.running['web'].process.pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found += [int(pid) for pid in task.read_text().split()]
    return found


def make_stale(paths: list[Path]) -> None:
    """Let them look as old as the sweep wants them."""
    past = time.time() - STALE_AFTER_SECONDS - 1
    for path in paths:
        os.utime(path, (past, past))
