"""When neither the picture nor the caller is to blame: a database, a storage or a disk is away."""

import errno

from django.db import InterfaceError, OperationalError

from images.exceptions import StorageAway

DATABASE_AWAY = (OperationalError, InterfaceError)
# Of S3's library by their names, for it is loaded only where pictures lie in S3.
_S3_ERRORS = frozenset(
    {
        ("boto3.exceptions", "Boto3Error"),
        ("botocore.exceptions", "BotoCoreError"),
        ("botocore.exceptions", "ClientError"),
    }
)
# A disk that is full, over quota, read-only or broken; a share that is gone; too many open files.
_DISK_AWAY = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO,
    errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EMFILE, errno.ENFILE,
})  # fmt: skip


def is_outage(error: BaseException) -> bool:
    """Tell whether trying the same again later may well succeed."""
    if isinstance(error, (*DATABASE_AWAY, StorageAway)) or _is_of_s3(error):
        return True
    return isinstance(error, OSError) and error.errno in _DISK_AWAY


def _is_of_s3(error: BaseException) -> bool:
    return any((each.__module__, each.__name__) in _S3_ERRORS for each in type(error).__mro__)
