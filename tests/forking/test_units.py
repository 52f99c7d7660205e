"""Which tests go to one process, in which order, and to whom."""

from typing import cast

import pytest

from tests.forking.units import Queue, Unit, on_postgresql, on_sqlite, units_of


class Item:
    """What is asked of pytest's items."""

    def __init__(self, file: str, *marks: pytest.MarkDecorator, fixtures: tuple[str, ...] = ()):
        self.location = (file, 0, "")
        self.fixturenames = fixtures
        self._marks = [each.mark for each in marks]

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next((each for each in self._marks if each.name == name), None)

    def iter_markers(self) -> list[pytest.Mark]:
        return self._marks


SLOW, MINUTES = pytest.mark.slow, pytest.mark.timeout(300)


def items(*made: Item) -> list[pytest.Item]:
    return cast("list[pytest.Item]", list(made))


def numbers(units: list[Unit]) -> list[list[int]]:
    return [unit.items for unit in units]


def test_a_file_stays_together_and_the_longest_begin() -> None:
    collected = items(
        Item("a"),
        Item("b", SLOW),
        Item("c", SLOW, MINUTES),
        Item("a"),
        Item("c"),
        Item("d", MINUTES),
    )
    assert numbers(units_of(enumerate(collected))) == [[2, 4], [1], [0, 3], [5]]


def test_what_is_marked_sqlite_runs_there_unless_it_is_long_or_asks_for_something_else() -> None:
    mark = pytest.mark.sqlite
    collected = items(
        Item("a"), Item("a", mark), Item("b", mark, SLOW), Item("b", mark, pytest.mark.postgres),
        Item("c", mark, pytest.mark.nightly), Item("c", mark), Item("d", mark, pytest.mark.s3),
        Item("e", mark, pytest.mark.processes),
    )  # fmt: skip
    assert [number for number, _ in on_sqlite(collected, "quick")] == [1, 5]


def test_what_is_for_sqlite_alone_at_night_runs_there_and_on_postgresql_otherwise() -> None:
    quick, rest, nightly = pytest.mark.sqlite, pytest.mark.sqlite_nightly, pytest.mark.nightly
    collected = items(
        Item("a"), Item("a", quick), Item("a", rest), Item("a", nightly), Item("a", nightly, rest)
    )
    ran = {
        part: [[n for n, _ in each(collected, part)] for each in (on_postgresql, on_sqlite)]
        for part in ("quick", "nightly", "all")
    }
    assert ran == {
        "quick": [[0, 1, 2, 3, 4], [1]],
        "nightly": [[3, 4], [2]],
        "all": [[0, 1, 2, 3, 4], [1, 2]],
    }


def test_who_has_a_server_gets_what_asks_for_it_while_others_have_something_else() -> None:
    def unit(number: int, *servers: str) -> Unit:
        return Unit([number], set(servers))

    queue = Queue([unit(0, "rabbitmq"), unit(1, "rabbitmq"), unit(2), unit(3, "s3"), unit(4)])
    order = [(process, queue.next_for(process)) for process in (7, 8, 8, 7, 8, 8)]
    got = [(process, unit.items[0] if unit else None) for process, unit in order]
    assert got == [(7, 0), (8, 2), (8, 3), (7, 1), (8, 4), (8, None)]


def test_what_asks_for_servers_of_which_each_process_has_some_goes_to_who_has_most() -> None:
    servers = {"rabbitmq", "s3", "chromium"}
    queue = Queue([
        Unit([0], {"rabbitmq"}), Unit([1], {"s3", "chromium"}),
        Unit([2], servers), Unit([3], {"rabbitmq", "s3"}), Unit([4]),
    ])  # fmt: skip
    order = [(process, queue.next_for(process)) for process in (1, 2, 1, 2, 1)]
    got = [(process, unit.items[0] if unit else None) for process, unit in order]
    assert got == [(1, 0), (2, 1), (1, 3), (2, 2), (1, 4)]


def test_what_waits_is_for_a_patient_process_and_last_for_others() -> None:
    apart = pytest.mark.apart
    collected = items(Item("a", apart), Item("b"), Item("a", apart), Item("a"), Item("c"))
    queue = Queue(units_of(enumerate(collected)))
    order = [queue.next_for(process, is_patient=process == 1) for process in (1, 0, 0, 0, 0, 1)]
    assert [each and each.items for each in order] == [[0], [1], [3], [4], [2], None]


def test_what_waits_together_stays_together() -> None:
    together = pytest.mark.apart(together=True)
    collected = items(Item("a", together), Item("b", together), Item("a", together))
    units = units_of(enumerate(collected))
    assert [(each.items, each.waits) for each in units] == [([0, 2], True), ([1], True)]


def test_a_patient_process_does_what_is_left() -> None:
    queue = Queue(units_of(enumerate(items(Item("a"), Item("b")))))
    assert queue.next_for(1, is_patient=True) == Unit([0])


def test_nobody_waits_where_only_what_another_has_started_is_left() -> None:
    queue = Queue([Unit([0], {"rabbitmq"}), Unit([1], {"rabbitmq"})])
    assert [queue.next_for(1), queue.next_for(2)] == [
        Unit([0], {"rabbitmq"}),
        Unit([1], {"rabbitmq"}),
    ]


def test_what_an_ended_process_left_comes_next() -> None:
    queue = Queue([Unit([0, 1, 2]), Unit([3])])
    assert queue.next_for(0)
    queue.give_back([1, 2])
    assert queue.next_for(1) == Unit([1, 2])


def test_an_s3_server_is_asked_for_by_a_mark() -> None:
    [unit] = units_of(enumerate(items(Item("a", pytest.mark.s3, fixtures=("rabbitmq_server",)))))
    assert unit.servers == {"s3_server", "rabbitmq_server"}
