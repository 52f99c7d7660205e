"""Events of accounts themselves, told to many accounts at once."""

from collections.abc import Collection
from uuid import UUID

from lib.after_commit import run_after_commit
from notifications.events import AccountEventType
from notifications.feed import record_for_accounts
from notifications.sockets.wake_ups import notify_group, user_group


def announce_to_accounts(owner_ids: Collection[UUID], kind: AccountEventType) -> None:
    """Record an event for each of some accounts, and wake their sockets up after the commit."""
    for owner_id, event in record_for_accounts(owner_ids, kind).items():
        wake_up = {"type": "feed.news", "event": event}
        run_after_commit(notify_group, user_group(owner_id), wake_up)
