"""How many archives are sent at once: one for an account, a quarter of a process's threads in all.

An archive keeps a thread for as long as its client takes it; the other threads are for everybody
else.
"""

import logging
import time
import uuid
from threading import BoundedSemaphore
from uuid import UUID

from django.conf import settings
from django.core.cache import cache as shared
from redis.exceptions import RedisError

from images.exceptions import ArchiveBusy
from lib.made_once import made_once

logger = logging.getLogger(__name__)
# An archive whose process was killed occupies its account for so long. A client that takes nothing
# for longer loses its slot and keeps its archive.
LEASE_SECONDS = 120
_RENEW_SECONDS = LEASE_SECONDS / 4


class ArchiveSlot:
    """The right to send one archive to an account, from its making until `release`.

    Raise ArchiveBusy where there is none. `renew` is to be called while the archive is sent, as
    often as one likes. Without Redis the account's own rule is not kept, that of the threads is.
    """

    def __init__(self, owner_id: UUID) -> None:
        self._key = f"archive:{owner_id}"
        self._token = uuid.uuid4().hex
        self._renewed_at = time.monotonic()
        self._is_held = True
        if not _threads().acquire(blocking=False):
            raise ArchiveBusy("Too many archives are being sent.")
        try:
            self._claim()
        except BaseException:
            _threads().release()
            raise

    def _claim(self) -> None:
        try:
            is_free = shared.add(self._key, self._token, LEASE_SECONDS)
        except RedisError as error:
            logger.debug("archives of an account are not counted: %s", type(error).__name__)
            return
        if not is_free:
            raise ArchiveBusy("An archive of this account is being sent.")

    def renew(self) -> None:
        """Keep the slot for LEASE_SECONDS from now."""
        now = time.monotonic()
        if now - self._renewed_at < _RENEW_SECONDS:
            return
        self._renewed_at = now
        try:
            # Nothing is written over: a lease that another archive took in between stays theirs.
            is_ours = shared.add(self._key, self._token, LEASE_SECONDS)
            if not is_ours and shared.get(self._key) == self._token:
                shared.touch(self._key, LEASE_SECONDS)
        except RedisError as error:
            logger.debug("an archive's slot is not renewed: %s", type(error).__name__)

    def release(self) -> None:
        """Give the slot back; a second call does nothing."""
        if not self._is_held:
            return
        self._is_held = False
        _threads().release()
        try:
            if shared.get(self._key) == self._token:
                shared.delete(self._key)
        except RedisError as error:
            logger.debug("an archive's slot ends by itself: %s", type(error).__name__)


@made_once
def _threads() -> BoundedSemaphore:
    return BoundedSemaphore(max(1, settings.HTTP_THREADS // 4))
