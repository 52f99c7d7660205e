"""Slots of open sockets: each holder's own, renewed one by one, given back or expired."""

import time

import pytest

from notifications.sockets import connection_slots
from notifications.sockets.connection_slots import release_slot, renew_slots, take_slot


@pytest.fixture(autouse=True)
def _no_slots() -> None:
    for holder in ("alice", "bob"):
        connection_slots._redis().delete(connection_slots._key(holder))


def taken(holder: str) -> set[str]:
    found = connection_slots._redis().zrangebyscore(
        connection_slots._key(holder), time.time(), "+inf"
    )
    return {each.decode() for each in found}  # type: ignore[union-attr]  # the client is synchronous


def test_a_holder_has_so_many_slots_whatever_others_have() -> None:
    assert [take_slot("alice", socket, limit=2) for socket in "abc"] == [True, True, False]
    assert [take_slot("bob", socket, limit=2) for socket in "abc"] == [True, True, False]
    assert (taken("alice"), taken("bob")) == ({"a", "b"}, {"a", "b"})


def test_a_slot_that_is_given_back_is_free_for_its_holder_alone() -> None:
    for holder in ("alice", "bob"):
        take_slot(holder, "a", limit=1)
    release_slot("alice", "a")
    assert take_slot("alice", "b", limit=1)
    assert not take_slot("bob", "b", limit=1)
    assert (taken("alice"), taken("bob")) == ({"b"}, {"a"})


def test_a_slot_that_nobody_renews_expires_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a process died that held one of two sockets, and the other lives."""
    for holder in ("alice", "bob"):
        for socket in ("dead", "alive"):
            assert take_slot(holder, socket, limit=2)
    begun = time.time()
    monkeypatch.setattr(time, "time", lambda: begun + 50)
    renew_slots([("alice", "alive")])
    monkeypatch.setattr(time, "time", lambda: begun + 70)
    assert (taken("alice"), taken("bob")) == ({"alive"}, set())
    assert take_slot("alice", "new", limit=2)
    assert taken("alice") == {"alive", "new"}
    assert not take_slot("alice", "another", limit=2)


def test_what_is_kept_of_slots_is_gone_when_all_have_expired() -> None:
    take_slot("alice", "a")
    lifetime = connection_slots._redis().ttl(connection_slots._key("alice"))
    assert 60 <= int(lifetime) <= 120
    assert int(connection_slots._redis().ttl(connection_slots._key("bob"))) < 0
