import errno

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError
from django.db import OperationalError

from images.exceptions import StorageAway
from images.storage.outages import is_outage


class _Own(ClientError):  # type: ignore[misc]  # the library ships no types
    """As the library makes one for each of S3's errors."""


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(),
        StorageAway(),
        OSError(errno.ENOSPC, "full"),
        EndpointConnectionError(endpoint_url="http://s3.invalid"),
        S3UploadFailedError(),
        _Own({"Error": {"Code": "SlowDown"}}, "PutObject"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_nobodys_fault_may_succeed_later(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize("error", [ValueError(), FileNotFoundError(errno.ENOENT, "gone")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert not is_outage(error)
