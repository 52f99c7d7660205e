"""A file in S3 that is read like one on disk: as a stream, from any position."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import IncompleteReadError as Incomplete

from images.exceptions import StorageAway

_CUT_OFF = (BotoCoreError, HTTPClientError, Incomplete, OSError)


@contextmanager
def translate_errors(key: str) -> Iterator[None]:
    """Raise the library's errors as FileNotFoundError where a key is missing, else StorageAway."""
    try:
        yield
    except ClientError as error:
        if _means_no_file(error):
            raise FileNotFoundError(key) from error
        raise StorageAway(error.response["Error"].get("Code", "error")) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageAway(type(error).__name__) from error


def _means_no_file(error: ClientError) -> bool:
    """Any other 404 means no bucket, or no S3 at all; a response to HEAD has no body to say so."""
    code: str = error.response["Error"].get("Code", "")
    return code == "NoSuchKey" or (code, error.operation_name) == ("404", "HeadObject")


class S3File(RawIOBase):
    """Opened by one request; another follows only where the next byte to read is elsewhere."""

    # Python closes a file also when its `__init__` has failed.
    _body: Any = None

    def __init__(
        self,
        get: Callable[[int], dict[str, Any]],
        asking: Callable[[str], AbstractContextManager[None]] = translate_errors,
    ) -> None:
        """`get` requests everything from a position on, as `get_object` responds.

        What is read of its response is read within `asking`, which may raise StorageAway.
        """
        self._get, self._asking = get, asking
        response = get(0)
        self._body = response["Body"]
        self._body_position = self._position = 0
        self._size: int = response["ContentLength"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move without a request."""
        start = {SEEK_CUR: self._position, SEEK_END: self._size}.get(whence, 0)
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read on from the position; raise StorageAway where the storage breaks off."""
        if self._position >= self._size or not len(buffer):
            return 0
        if self._body_position != self._position:
            self._body.close()
            self._body, self._body_position = self._get(self._position)["Body"], self._position
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        self._position = self._body_position = self._position + len(data)
        return len(data)

    def _read(self, max_bytes: int) -> bytes:
        with self._asking(""):
            try:
                data: bytes = self._body.read(max_bytes)
            except _CUT_OFF as error:
                raise StorageAway(type(error).__name__) from error
        if not data:
            raise StorageAway("The storage sent less than it announced.")
        return data

    def close(self) -> None:
        """Give the connection back."""
        if self._body and not self.closed:
            self._body.close()
        super().close()
