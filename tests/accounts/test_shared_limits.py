"""Counters of several limits, by one trip to Redis; they are the library's own."""

import time

import pytest
from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from accounts import shared_limits
from accounts.shared_limits import Limit
from lib.redis_client import own_connection

TWO, FIVE = (RateLimitItemPerMinute(each, each, namespace="of-a-test") for each in (2, 5))


def count(limit: Limit) -> int:
    item, key = limit
    return shared_limits._storage().get(item.key_for(key))


def test_what_the_library_counted_counts_here_and_the_other_way_round() -> None:
    library = FixedWindowRateLimiter(shared_limits._storage())
    assert library.hit(TWO, "a")
    assert shared_limits.hit([(TWO, "a")]) == (None, [])
    assert not library.test(TWO, "a")
    assert shared_limits.hit([(TWO, "a")]) == ((TWO, "a"), [])


def test_one_that_is_reached_keeps_the_others_as_they_were() -> None:
    first, second, third = (FIVE, "a"), (TWO, "b"), (FIVE, "c")
    for _ in range(2):
        assert shared_limits.hit([first, second, third], [(TWO, "d")]) == (None, [True])
    assert shared_limits.hit([first, second, third], [(TWO, "d")]) == (second, [])
    assert [count(each) for each in (first, second, third)] == [2, 3, 2]


def test_what_is_looked_at_has_room_until_one_more_call_would_pass_the_limit() -> None:
    for expected in (True, True, False, False):
        assert shared_limits.hit([], [(TWO, "a"), (FIVE, "a")]) == (None, [expected, True])
        shared_limits.add(1, [(TWO, "a")])
    assert count((TWO, "a")) == 4
    shared_limits.add(-1, [(TWO, "a"), (FIVE, "b")])
    assert [count((TWO, "a")), count((FIVE, "b"))] == [3, -1]


def test_a_counter_begins_anew_when_its_own_time_is_over() -> None:
    shared_limits.hit([(TWO, "a"), (FIVE, "a")], [(TWO, "b")])
    expiries = [shared_limits._storage().get_expiry(each.key_for("a")) for each in (TWO, FIVE)]
    assert [round((each - time.time()) / 60) for each in expiries] == [2, 5]
    assert 240 < shared_limits.seconds_left((FIVE, "a")) <= 300
    shared_limits.hit([(TWO, "a")])
    assert 60 < shared_limits.seconds_left((TWO, "a")) <= 120


def test_all_of_it_is_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    shared_limits.hit([(TWO, "a")])
    sent: list[str] = []
    connection = own_connection()
    send = connection.send_command

    def note_and_send(*words: str) -> None:
        sent.append(words[0])
        send(*words)

    monkeypatch.setattr(connection, "send_command", note_and_send)
    shared_limits.hit([(TWO, "a"), (FIVE, "a")], [(TWO, "b"), (FIVE, "b")])
    shared_limits.add(-1, [(TWO, "a"), (FIVE, "a")])
    assert sent == ["EVAL", "EVAL"]
