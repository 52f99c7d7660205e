"""When neither the picture nor the caller is to blame: a database, a storage or a disk is away."""

import errno

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.db import InterfaceError, OperationalError

from images.exceptions import StorageAway

DATABASE_AWAY = (OperationalError, InterfaceError)
_STORAGE_AWAY = (StorageAway, BotoCoreError, Boto3Error, ClientError)
# A disk that is full, over quota, read-only or broken; a share that is gone; too many open files.
_DISK_AWAY = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO,
    errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EMFILE, errno.ENFILE,
})  # fmt: skip


def is_outage(error: BaseException) -> bool:
    """Tell whether trying the same again later may well succeed."""
    if isinstance(error, (*DATABASE_AWAY, *_STORAGE_AWAY)):
        return True
    return isinstance(error, OSError) and error.errno in _DISK_AWAY
