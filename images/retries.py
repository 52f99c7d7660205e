"""Uploads that a client sends again, under a key of its own: the picture is stored once.

A key's row is written before the work begins, and says until when it is taken for running. The
transaction that stores the picture writes its id into the row, on condition that none is there:
this alone decides, whoever else holds the key by then. So a process may die at any moment, or be
slower than its lease; the key is free again soon, and no second picture comes of it.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from images.exceptions import UploadedPictureGone, UploadKeyReused, UploadStillRunning
from images.models import IdempotencyKey, IdempotencyKeyQuerySet, Picture
from images.storage.outages import is_outage
from lib.batches import delete_batch

logger = logging.getLogger(__name__)
# For how long a key counts, from the beginning of the upload that was stored.
RETENTION = timedelta(hours=24)
# For how long a repeated upload is refused while the first may still run: so long a key is locked
# by a process that died. An ordinary upload takes a second; of one that takes longer than this, the
# work may be done twice, but only the first commit counts.
LEASE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Retry:
    """What a repeated upload is known by.

    `fields` is a digest of what came beside the picture's bytes.
    """

    account_id: UUID
    route: str
    key: str
    fields: str

    def fingerprint(self, sha256: str) -> str:
        """Return a digest of the whole upload."""
        return hashlib.sha256(f"{sha256} {self.fields}".encode()).hexdigest()

    def rows(self) -> IdempotencyKeyQuerySet:
        """Return the key's row, if there is one."""
        return IdempotencyKey.objects.filter(
            account_id=self.account_id, route=self.route, key=self.key
        )

    def row(self, **fields: object) -> tuple[IdempotencyKey, bool]:
        """Return the key's row, and whether it was made here, with these fields."""
        return IdempotencyKey.objects.get_or_create(
            account_id=self.account_id, route=self.route, key=self.key, defaults=fields
        )


class _AnotherStored(Exception):
    """Another upload with the key was stored first."""


class Claim:
    """A key that the upload in progress holds."""

    def __init__(self, retry: Retry, fingerprint: str, row: IdempotencyKey) -> None:
        self._retry, self._fingerprint, self._row = retry, fingerprint, row

    def fulfil(self, picture: Picture) -> None:
        """Write the picture into the row, in the transaction that stores it."""
        stored = {"picture_id": picture.pk, "fingerprint": self._fingerprint}
        if self._retry.rows().unfulfilled().update(**stored):
            return
        # The lease ran out meanwhile, and another upload took the key: it was stored, or refused,
        # which removed the row.
        _, is_new = self._retry.row(leased_until=self._row.leased_until, **stored)
        if not is_new:
            raise _AnotherStored

    def release(self) -> None:
        """Free the key after a refusal, unless another upload holds it by now."""
        try:
            own = self._retry.rows().unfulfilled().filter(leased_until=self._row.leased_until)
            own.delete()
        except Exception as error:
            if not is_outage(error):
                raise
            logger.warning("a key stays leased: %s", type(error).__name__)


def store_once(retry: Retry, sha256: str, store: Callable[[Claim], Picture]) -> Picture:
    """Return the picture that was stored under the key, else what `store` stores.

    `store` calls `Claim.fulfil` in its transaction. Raise UploadStillRunning, UploadKeyReused where
    the upload is not the same as the first, UploadedPictureGone, and what `store` raises, after
    which the key is free.
    """
    fingerprint = retry.fingerprint(sha256)
    row, is_ours = _claim(retry, fingerprint)
    if not is_ours:
        return _stored_picture(row, fingerprint)
    claim = Claim(retry, fingerprint, row)
    try:
        return store(claim)
    except _AnotherStored:
        return _stored_picture(retry.rows().first(), fingerprint)
    except BaseException:
        claim.release()
        raise


def _claim(retry: Retry, fingerprint: str) -> tuple[IdempotencyKey, bool]:
    """Return the key's row, and whether it is ours from now on; else it is another upload's."""
    now = timezone.now()
    begun = {
        "fingerprint": fingerprint,
        "picture_id": None,
        "begun_at": now,
        "leased_until": now + LEASE,
    }
    row, is_new = retry.row(**begun)
    if is_new:
        return row, True
    is_past = row.begun_at <= now - RETENTION
    is_abandoned = row.picture_id is None and row.leased_until <= now
    if not (is_past or is_abandoned):
        return row, False
    # Of several that find it so, one takes it.
    same = IdempotencyKey.objects.filter(
        pk=row.pk, leased_until=row.leased_until, picture_id=row.picture_id
    )
    if not same.update(**begun):
        raise UploadStillRunning
    row.leased_until = now + LEASE
    return row, True


def _stored_picture(row: IdempotencyKey | None, fingerprint: str) -> Picture:
    if row is None:  # released a moment ago
        raise UploadStillRunning
    if row.fingerprint != fingerprint:
        raise UploadKeyReused
    if row.picture_id is None:
        raise UploadStillRunning
    picture: Picture | None = Picture.objects.with_owner().filter(pk=row.picture_id).first()
    if picture is None:
        raise UploadedPictureGone
    return picture


def purge_past_keys() -> int:
    """Delete a batch of keys that no longer count; return how many were deleted."""
    return delete_batch(IdempotencyKey.objects.filter(begun_at__lt=timezone.now() - RETENTION))
