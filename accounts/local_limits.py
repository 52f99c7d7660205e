"""Limits for what happens too often to ask Redis each time: counted here, shared once a second."""

import logging
import time
from collections import Counter
from threading import Lock

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from lib.redis_client import client_with_timeouts

logger = logging.getLogger(__name__)
WINDOW_SECONDS = 60
SHARE_SECONDS = 1.0
# Of one window; when strangers make up more, those that were seen least are forgotten.
MAX_KEYS = 10_000


class LocalLimit:
    """At most so many calls a minute for each key, over all processes as far as they have shared.

    A process learns what the others counted once a second, so that for a second each of them may
    let as many through.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._window = 0
        self._shared_at = 0.0
        self._unshared: Counter[str] = Counter()
        self._shared: Counter[str] = Counter()

    def seconds_to_wait(self, key: str, limit: int) -> int:
        """Count a call; return 0, or after how many seconds there is room again."""
        now = time.time()
        with self._lock:
            self._begin_window(int(now // WINDOW_SECONDS))
            self._unshared[key] += 1
            to_share = self._take_unshared(now)
        if to_share:
            self._share(to_share)
        with self._lock:
            count = self._shared[key] + self._unshared[key]
        return 0 if count <= limit else WINDOW_SECONDS - int(now % WINDOW_SECONDS)

    def _begin_window(self, window: int) -> None:
        if window != self._window:
            self._window = window
            self._unshared.clear()
            self._shared.clear()

    def _take_unshared(self, now: float) -> Counter[str]:
        """Return what the others do not know yet, once a second; it counts as shared from then."""
        if now - self._shared_at < SHARE_SECONDS and len(self._unshared) < MAX_KEYS:
            return Counter()
        self._shared_at = now
        taken, self._unshared = self._unshared, Counter()
        self._shared.update(taken)
        if len(self._shared) > MAX_KEYS:
            self._shared = Counter(dict(self._shared.most_common(MAX_KEYS // 2)))
        return taken

    def _share(self, counts: Counter[str]) -> None:
        """Add counts to those of all processes and learn the sums; without Redis count on alone."""
        window, keys = self._window, list(counts)
        try:
            with _redis().pipeline(transaction=False) as steps:
                for key in keys:
                    steps.incrby(self._redis_key(window, key), counts[key])
                    steps.expire(self._redis_key(window, key), 2 * WINDOW_SECONDS)
                sums = steps.execute()[::2]
        except RedisError as error:
            logger.debug("counting within this process only: %s", type(error).__name__)
            return
        with self._lock:
            if window == self._window:
                for key, total in zip(keys, sums, strict=True):
                    self._shared[key] = max(self._shared[key], int(total))

    def _redis_key(self, window: int, key: str) -> str:
        prefix = settings.CACHES["default"]["KEY_PREFIX"]
        return f"{prefix}:{self._name}:{window}:{key}"


def _redis() -> Redis:
    return client_with_timeouts(0.5, connect_seconds=0.5)
