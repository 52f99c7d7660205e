"""What links lead to is kept for a second, for so many links, and dropped with its account."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from delivery import kept_targets
from delivery.kept_targets import KEPT_SECONDS, KeptTargets
from delivery.link_targets import LinkTarget
from images.changes import ChangeListener

ALICE, BOB = uuid.uuid4(), uuid.uuid4()
NOTHING: set[str] = set()


class Announcements:
    """A listener that hears what the test says."""

    def __init__(self) -> None:
        self.heard: set[str] | None = NOTHING

    def poll(self) -> set[str] | None:
        heard, self.heard = self.heard, NOTHING
        return heard


@pytest.fixture
def announcements() -> Announcements:
    return Announcements()


@pytest.fixture
def kept(announcements: Announcements) -> KeptTargets:
    return KeptTargets(cast("ChangeListener", announcements))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still until a test changes it."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def target(link_id: int, owner_id: UUID = ALICE) -> LinkTarget:
    return LinkTarget(link_id, owner_id, datetime(2030, 1, 1, tzinfo=UTC), 0, "users/a", "x/y")


def keep(kept: KeptTargets, *targets: LinkTarget) -> None:
    for each in targets:
        kept.keep(each, begun=kept.begin(), read_at=time.monotonic())


def found(kept: KeptTargets, *link_ids: int) -> list[int]:
    return [each for each in link_ids if kept.get(each)]


def test_a_target_is_kept_for_a_second_and_no_longer(kept: KeptTargets, clock: Any) -> None:
    keep(kept, target(1))
    clock[0] += KEPT_SECONDS - 0.01
    assert kept.get(1) == target(1)
    clock[0] = 1000.0 + KEPT_SECONDS
    assert kept.get(1) is None


def test_a_change_drops_what_is_kept_of_its_account_alone(
    kept: KeptTargets, announcements: Announcements
) -> None:
    keep(kept, target(1), target(2), target(3, BOB))
    announcements.heard = {str(ALICE)}
    kept.begin()
    assert found(kept, 1, 2, 3) == [3]
    announcements.heard = {""}
    kept.begin()
    assert found(kept, 3) == []


def test_what_was_read_before_a_change_was_heard_of_is_not_kept(
    kept: KeptTargets, announcements: Announcements
) -> None:
    begun = kept.begin()
    for heard in ({str(BOB)}, None, NOTHING):
        announcements.heard = heard
        kept.begin()
        kept.keep(target(1), begun=begun, read_at=time.monotonic())
        assert kept.get(1) is None


def test_what_is_read_while_nothing_is_heard_is_kept_whoever_else_asks(kept: KeptTargets) -> None:
    begun = kept.begin()
    kept.begin()
    kept.keep(target(1), begun=begun, read_at=time.monotonic())
    assert kept.get(1) == target(1)


def test_nothing_is_kept_before_anything_was_heard(kept: KeptTargets) -> None:
    kept.keep(target(1), begun=0, read_at=time.monotonic())
    assert kept.get(1) is None


def test_nothing_is_kept_while_changes_may_be_missed(
    kept: KeptTargets, announcements: Announcements
) -> None:
    keep(kept, target(1))
    announcements.heard = None
    begun = kept.begin()
    kept.keep(target(2), begun=begun, read_at=time.monotonic())
    assert found(kept, 1, 2) == []
    keep(kept, target(2))
    assert found(kept, 2) == [2]


def test_so_many_are_kept_and_those_that_are_past_make_room(
    kept: KeptTargets, announcements: Announcements, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_targets, "MAX_KEPT", 3)
    keep(kept, target(1), target(2, BOB))
    clock[0] += 0.6
    keep(kept, target(3), target(4))
    assert found(kept, 1, 2, 3, 4) == [1, 2, 3]
    clock[0] += 0.4
    keep(kept, target(5, BOB), target(6), target(7))
    assert found(kept, 1, 2, 3, 4, 5, 6, 7) == [3, 5, 6]
    # Whose they are is known as before.
    announcements.heard = {str(ALICE)}
    kept.begin()
    assert found(kept, 3, 5, 6) == [5]
    announcements.heard = {str(BOB)}
    kept.begin()
    assert found(kept, 5) == []
