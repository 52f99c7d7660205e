"""Work beside a worker's tasks: once at a time, once more when woken up meanwhile, and it ends."""

import threading
from functools import cache

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from images.removals import remove_files
from lib import background as module
from lib.background import Background, enqueue_task, repeat
from lib.parts import Part
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


class Work:
    """Work that waits until it may go on, and counts."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = 0, threading.Semaphore(0)

    def __call__(self) -> None:
        self.begun += 1
        assert self.may_go_on.acquire(timeout=20)


def wait_for(work: Work, begun: int) -> None:
    until(lambda: work.begun == begun, 20, lambda: f"{work.begun} times")


def test_work_that_is_woken_up_while_it_runs_is_done_once_more() -> None:
    """What it looked for may have come just after it had looked."""
    background, work = Background(), Work()
    for _ in range(5):
        background.start("work", work)
    wait_for(work, 1)
    work.may_go_on.release()
    wait_for(work, 2)
    work.may_go_on.release()
    until(lambda: not background._running["work"], 20, lambda: "it ends")
    background.start("work", work)
    wait_for(work, 3)
    work.may_go_on.release()


def test_one_kind_of_work_waits_for_no_other_and_runs_in_so_many_threads() -> None:
    background, long, other = Background(), Work(), Work()
    for _ in range(5):
        background.start("long", long, threads=2)
    background.start("other", other)
    wait_for(long, 2)
    wait_for(other, 1)
    background.stop()
    background.start("third", other)
    for work in (long, long, other):
        work.may_go_on.release()
    until(lambda: not background._running.total(), 20, lambda: "all end")
    assert (long.begun, other.begun) == (2, 1)


def test_work_that_fails_is_logged_and_may_be_woken_up_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background = Background()

    def fail() -> None:
        raise ValueError("why")

    background.start("failing", fail)
    until(lambda: "failing failed" in caplog.text, 20, lambda: caplog.text)
    until(lambda: not background._running["failing"], 20, lambda: "it ends")


def test_what_repeats_ends_when_the_process_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    background = Background()
    monkeypatch.setattr(module, "background", background)
    monkeypatch.setattr(module, "let_others_write", lambda: None)
    steps: list[int] = []

    def step() -> int:
        steps.append(1)
        if len(steps) == 3:
            background.stop()
        return 1

    repeat(step)
    assert len(steps) == 3


def fail() -> None:
    raise OSError("away")


def test_a_broker_that_is_away_fails_nobody_and_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        module, "broker_part", cache(lambda: Part("broker", fail, is_tried_while_it_refuses=False))
    )
    sent: list[object] = []

    def away(*arguments: object, **_: object) -> None:
        sent.append(arguments)
        raise OperationalError("away")

    monkeypatch.setattr(remove_files, "apply_async", away)
    assert not enqueue_task(remove_files)
    assert not enqueue_task(remove_files)
    assert len(sent) == 1


def test_uploads_have_a_queue_of_their_own() -> None:
    """Whatever else there is goes to the other, also what a later release adds."""
    name = current_app.conf.task_default_queue
    current_app.loader.import_default_modules()
    ours = [each for each in current_app.tasks if not each.startswith("celery.")]
    routes = {each: current_app.amqp.router.route({}, each)["queue"].name for each in ours}
    assert {each for each in ours if routes[each] == name} == {"thumbnails.ensure"}
    assert {routes[each] for each in ours} == {name, f"{name}.background"}
    assert set(current_app.amqp.queues.consume_from) == {name, f"{name}.background"}
