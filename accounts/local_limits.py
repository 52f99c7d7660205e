"""Limits for what happens too often to ask Redis each time: counted here, shared once a second."""

import json
import logging
import time
from collections import Counter
from threading import Lock
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from lib.redis_client import client_with_timeouts

logger = logging.getLogger(__name__)
WINDOW_SECONDS = 60
SHARE_SECONDS = 1.0
# Of one window; when strangers make up more, those that were seen least are forgotten.
MAX_KEYS = 10_000
# Each command is one trip, and takes Redis a millisecond.
KEYS_AT_ONCE = 1_000
# Of a hash of one window's counts: adds to some and returns their sums, both as JSON. A command for
# each key would take twenty times as long to write and to read.
_ADD_ALL = """
local keys, counts = unpack(cjson.decode(ARGV[1]))
local sums = {}
for position, key in ipairs(keys) do
    sums[position] = redis.call('HINCRBY', KEYS[1], key, counts[position])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return cjson.encode(sums)
"""


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
        for start in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[start : start + KEYS_AT_ONCE]
            try:
                sums = self._add([some, [counts[key] for key in some]], window)
            except RedisError as error:
                logger.debug("counting within this process only: %s", type(error).__name__)
                return
            with self._lock:
                if window == self._window:
                    for key, total in zip(some, sums, strict=True):
                        self._shared[key] = max(self._shared[key], total)

    def _add(self, keys_and_counts: list[Any], window: int) -> list[int]:
        prefix = settings.CACHES["default"]["KEY_PREFIX"]
        name = f"{prefix}:{self._name}:{window}"
        found: Any = _redis().eval(
            _ADD_ALL, 1, name, json.dumps(keys_and_counts), str(2 * WINDOW_SECONDS)
        )
        sums: list[int] = json.loads(found)
        return sums


def _redis() -> Redis:
    return client_with_timeouts(0.5, connect_seconds=0.5)
