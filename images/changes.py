"""Whose pictures, links or rights changed, told to every process through Redis.

A process that keeps what it read for a moment listens, and drops it. `poll` reads what has arrived,
so that whoever asks after a change was announced is told of it. Nothing here is a promise: while
Redis is away nobody hears anything, and nothing may be kept for longer than a change may take.
"""

import logging
import time
from threading import Lock, Thread
from uuid import UUID

from django.conf import settings
from redis.client import PubSub
from redis.exceptions import RedisError

from lib.after_commit import run_after_commit
from lib.redis_client import ask_redis, may_be_readable, redis_at, redis_client
from lib.signing import make_signature

logger = logging.getLogger(__name__)

# What concerns every account.
EVERYBODY = ""
# Seconds after which a listener that lost its connection tries again.
_RETRY_INTERVAL = 1.0
_CONFIRMATION_TIMEOUT = 1.0
_MAX_WAIT = 0.05


def channel() -> str:
    """Return the channel of all processes that sign with the same key, whatever their caches."""
    return f"tintype-changes-{make_signature('changes', '')}"


def announce_change(owner_id: UUID | None) -> None:
    """Announce a change of an account, None for all, when the running transaction commits."""
    run_after_commit(_publish, EVERYBODY if owner_id is None else str(owner_id))


def _publish(owner_id: str) -> None:
    try:
        ask_redis("PUBLISH", channel(), owner_id)
    except RedisError as error:
        logger.debug("a change was not announced: %s", type(error).__name__)


class ChangeListener:
    """Hears what is announced. It connects in a thread of its own, so that nobody waits for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._subscription: PubSub | None = None
        self._connecting: Thread | None = None

    def poll(self) -> set[str] | None:
        """Return whose changes were announced since the last call, without waiting.

        None means that some may have been missed, or will be: nothing may be kept.
        """
        # Reading takes microseconds, unless the client connects anew just now.
        if not self._lock.acquire(timeout=_MAX_WAIT):
            return None
        try:
            return self._read_all()
        except RedisError as error:
            logger.debug("no changes are heard: %s", type(error).__name__)
            self.close()
            return None
        finally:
            self._lock.release()

    def _read_all(self) -> set[str] | None:
        subscription, heard = self._subscription, set[str]()
        if subscription is None:
            self._connect_aside()
            return None
        # The client says itself that Redis is away, or that the connection was lost.
        if not (may_be_readable(subscription.connection) or redis_at(settings.REDIS_URL).is_away):
            return heard
        while message := subscription.get_message(timeout=0):
            if message["type"] != "message":  # the client has connected anew by itself
                raise RedisError("a connection was lost")
            heard.add(message["data"].decode())
        return heard

    def _connect_aside(self) -> None:
        if self._connecting is None or not self._connecting.is_alive():
            self._connecting = Thread(target=self._connect, name="changes", daemon=True)
            self._connecting.start()

    def _connect(self) -> None:
        """Begin to listen; what was announced before is not known."""
        subscription = redis_client().pubsub()  # type: ignore[no-untyped-call]
        try:
            subscription.subscribe(channel())
            if subscription.get_message(timeout=_CONFIRMATION_TIMEOUT):
                # What came with the confirmation lies in the client, where nobody would look.
                while subscription.get_message(timeout=0):
                    pass
                self._subscription = subscription
                return
        except RedisError:
            pass
        subscription.close()
        time.sleep(_RETRY_INTERVAL)

    def close(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription:
            subscription.close()
