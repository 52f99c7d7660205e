"""A process that dies costs the picture that killed it, and nothing else."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from accounts.models import User
from images.exceptions import PictureTooCostly
from images.formats.limits import RefusedPicture
from images.sandbox import pool as pools
from images.sandbox.pool import Pool
from images.sandbox.template import Template
from tests.factories import make_picture
from tests.images.sandbox.pools import hostile_pool, niceness, run, template_of
from tests.pictures import jpeg
from tests.storages import StoredKeys


@pytest.fixture
def pool() -> Iterator[Pool]:
    with hostile_pool() as pool:
        yield pool


def process_of(pool: Pool) -> int:
    process: int = run(pool, "describe_itself")["result"]["process"]
    return process


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_process_that_dies_costs_its_picture_alone(
    pool: Pool, caplog: pytest.LogCaptureFixture, number: signal.Signals
) -> None:
    with pytest.raises(PictureTooCostly), caplog.at_level(logging.WARNING):
        run(pool, "signal_itself", signal=number)
    assert number.name in caplog.text
    assert process_of(pool) not in {0, os.getpid()}


def test_after_a_fault_the_program_is_another(pool: Pool) -> None:
    """Its memory lies elsewhere, so that nothing learned from a crash is of use."""
    process_of(pool)
    former = template_of(pool)
    with pytest.raises(PictureTooCostly):
        run(pool, "signal_itself", signal=signal.SIGSEGV)
    deadline = time.monotonic() + 10
    while template_of(pool) == former:
        assert time.monotonic() < deadline
        time.sleep(0.01)
        process_of(pool)
    while Path(f"/proc/{former}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_program_that_was_killed_is_started_again_and_no_picture_is_lost(pool: Pool) -> None:
    process_of(pool)
    for _ in range(3):
        os.kill(template_of(pool), signal.SIGKILL)
        assert process_of(pool)


@pytest.mark.unhurried
def test_a_worn_program_is_replaced_while_pictures_are_decoded(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "MAX_PICTURES_PER_TEMPLATE", 15)
    seen: set[int] = set()
    processes: list[int] = []
    deadline = time.monotonic() + 60
    while len(seen) < 3:
        assert time.monotonic() < deadline
        processes.append(process_of(pool))
        seen.add(template_of(pool))
    assert len(set(processes)) == len(processes) > 2 * 11


@pytest.mark.unhurried
def test_a_successor_is_ready_before_the_former_program_goes(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody waits for either."""
    monkeypatch.setattr(pools, "_PICTURES_BEFORE_WARM", 1)
    stop = Template.stop

    def stop_slowly(template: Template) -> None:
        time.sleep(2)
        stop(template)

    pool.prepare()
    former = pool._current
    assert former
    assert len(former._ready) == 1
    monkeypatch.setattr(Template, "stop", stop_slowly)
    deadline = time.monotonic() + 30
    while pool._current is former:
        assert time.monotonic() < deadline
        began = time.monotonic()
        process_of(pool)
        assert time.monotonic() - began < 1.5
    following = pool._current
    assert following
    assert following._ready


def test_processes_do_not_start_programs_together() -> None:
    spread = {pools._spread(1000) for _ in range(200)}
    assert len(spread) > 50
    assert (min(spread) >= 750, max(spread) <= 1000) == (True, True)


def test_many_threads_share_the_processes() -> None:
    with hostile_pool(size=3) as pool, ThreadPoolExecutor(12) as threads:
        processes = set(threads.map(lambda _: process_of(pool), range(120)))
    assert len(processes) == 120


def test_what_is_done_behind_gives_way_and_keeps_nobody_waiting(pool: Pool) -> None:
    """Neither for a core nor for a decoder; `pool` has one."""
    ready = one_ready(pool)
    with ThreadPoolExecutor(1) as thread:
        behind = thread.submit(run, pool, "sleep", is_behind=True)
        wait_for(lambda: len(children_of(pool)) == 2)
        [asleep] = {*children_of(pool)} - {ready}
        wait_for(lambda: niceness(asleep) == max(os.nice(0), 10))
        assert niceness(ready) == os.nice(0)
        assert process_of(pool) == ready
        assert not behind.done()
        os.kill(asleep, signal.SIGKILL)
        with pytest.raises(PictureTooCostly):
            behind.result()


def one_ready(pool: Pool) -> int:
    """Return the process that waits for the next picture, once that of a first one is gone."""
    first = process_of(pool)
    wait_for(lambda: len({*children_of(pool)} - {first}) == 1)
    [ready] = {*children_of(pool)} - {first}
    wait_for(lambda: children_of(pool) == [ready])
    return ready


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_checks_uploads_gives_way_to_what_renders() -> None:
    with hostile_pool(flags=("--niceness=3",)) as pool:
        assert niceness(one_ready(pool)) == min(19, os.nice(0) + 3)


def children_of(pool: Pool) -> list[int]:
    template = template_of(pool)
    return list(map(int, Path(f"/proc/{template}/task/{template}/children").read_text().split()))


def test_stopping_leaves_no_process(pool: Pool) -> None:
    process, template = process_of(pool), template_of(pool)
    pool.stop()
    assert [pid for pid in (process, template) if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.django_db
def test_a_picture_that_kills_its_decoder_is_refused(
    alice: User, monkeypatch: pytest.MonkeyPatch, stored_keys: StoredKeys, pool: Pool
) -> None:
    def kill(*_: object, **__: object) -> None:
        run(pool, "signal_itself", signal=signal.SIGSEGV)

    monkeypatch.setattr("images.services.inspect_and_shrink", kill)
    with pytest.raises(RefusedPicture) as refused:
        make_picture(alice, jpeg(30, 20))
    assert refused.value.code == "too_costly"
    assert stored_keys() == []
