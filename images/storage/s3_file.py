"""A file in S3 that is read like one on disk: as a stream, from any place in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import SEEK_CUR, SEEK_END, RawIOBase
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import IncompleteReadError as Incomplete

from images.exceptions import StorageAway

_CUT_OFF = (BotoCoreError, HTTPClientError, Incomplete, OSError)


@contextmanager
def asking(key: str) -> Iterator[None]:
    """Turn the library's errors into ours: FileNotFoundError, and StorageAway for the rest."""
    try:
        yield
    except ClientError as error:
        if _means_no_file(error):
            raise FileNotFoundError(key) from error
        raise StorageAway(error.response["Error"].get("Code", "error")) from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageAway(type(error).__name__) from error


def _means_no_file(error: ClientError) -> bool:
    """Any other 404 means no bucket, or no S3 at all; an answer to HEAD cannot say which."""
    code: str = error.response["Error"].get("Code", "")
    return code == "NoSuchKey" or (code, error.operation_name) == ("404", "HeadObject")


class RemoteFile(RawIOBase):
    """Opened by one request; another follows only where the next byte wanted is elsewhere."""

    # Python closes a file also when its `__init__` has failed.
    _body: Any = None

    def __init__(self, get: Callable[[int], dict[str, Any]]) -> None:
        """`get` asks for everything from a position on."""
        self._get = get
        answer = get(0)
        self._body = answer["Body"]
        self._body_at = self._wanted = 0
        self._size: int = answer["ContentLength"]

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move, without asking for anything yet."""
        start = {SEEK_CUR: self._wanted, SEEK_END: self._size}.get(whence, 0)
        self._wanted = max(0, start + offset)
        return self._wanted

    def readinto(self, buffer: Any) -> int:
        """Read on from here; raises StorageAway where the storage breaks off."""
        if self._wanted >= self._size or not len(buffer):
            return 0
        if self._body_at != self._wanted:
            self._body.close()
            self._body, self._body_at = self._get(self._wanted)["Body"], self._wanted
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        self._wanted = self._body_at = self._wanted + len(data)
        return len(data)

    def _read(self, most: int) -> bytes:
        try:
            data: bytes = self._body.read(most)
        except _CUT_OFF as error:
            raise StorageAway(type(error).__name__) from error
        if not data:
            raise StorageAway("The storage sent less than it announced.")
        return data

    def close(self) -> None:
        """Let go of the connection."""
        if self._body is not None and not self.closed:
            self._body.close()
        super().close()
