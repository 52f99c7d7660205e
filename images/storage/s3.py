"""Pictures in a bucket of an S3-compatible storage, under the same keys as on disk.

Someone waits for the response, so that a storage which is silent is given up after seconds, and
not even asked from then on until it is there again (`lib.parts`).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from functools import cached_property
from io import BufferedReader
from threading import RLock
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.utils.http import content_disposition_header

from images.exceptions import StorageAway
from images.formats.registry import content_type_of
from images.storage.base import PictureStorage
from images.storage.keys import USERS
from images.storage.listing import StoredFile
from images.storage.s3_file import S3File, translate_errors
from images.storage.sigv4 import Presigner
from images.storage.thread_slots import thread_slots
from lib.made_once import made_once
from lib.parts import Part

_UNKNOWN_TYPE = "application/octet-stream"
_READ_BUFFER_SIZE = 64 * 1024
# One request for any picture: larger files only come in by `move_storage`.
_MAX_SINGLE_PUT = 64 * 1024**2
_UPLOAD = TransferConfig(multipart_threshold=_MAX_SINGLE_PUT, use_threads=False)
_CLIENT_OPTIONS = {"signature_version": "s3v4", "max_pool_connections": 32}
# A response begins within seconds, or whoever waits hears that the storage is away. Between two
# attempts lies no time: the second is for a connection that the storage had closed, and for an
# error that came at once.
_WAITS = {
    "connect_timeout": 1.5,
    "read_timeout": 3.5,
    "retries": {"mode": "standard", "total_max_attempts": 1},
}
_PROMPT_SECONDS = 0.5
# Nobody waits for a command.
_COMMAND_WAITS = {
    "connect_timeout": 10,
    "read_timeout": 60,
    "retries": {"mode": "standard", "total_max_attempts": 5},
}
_CHECK_WAITS = {**_WAITS, "connect_timeout": 1, "read_timeout": 1}
# Of the connections that a client keeps.
_DELETIONS_AT_ONCE = 16
# Sessions make one client at a time.
_MAKING = RLock()
T = TypeVar("T")


class S3PictureStorage(PictureStorage):
    """A bucket, or what lies in it below the prefix `location`.

    `public_endpoint_url` names the server as browsers know it, where that is another name.
    """

    def __init__(
        self,
        *,
        bucket_name: str,
        access_key: str,
        secret_key: str,
        endpoint_url: str,
        region_name: str,
        addressing_style: str,
        location: str = "",
        public_endpoint_url: str = "",
    ) -> None:
        self.bucket_name = bucket_name
        self._access_key, self._secret_key = access_key, secret_key
        self._endpoint_url, self._public_endpoint_url = endpoint_url, public_endpoint_url
        self._region_name, self._addressing_style = region_name, addressing_style
        self._prefix = f"{location.strip('/')}/".lstrip("/")
        self._part = Part("storage", self.check)

    @property
    def url(self) -> str:
        return f"{self._endpoint_url}/{self.bucket_name}/{self._prefix}"

    def check(self) -> None:
        """Ask within two seconds, whatever was found before."""
        with translate_errors(self.bucket_name):
            self._checking_client.head_bucket(Bucket=self.bucket_name)

    def open(self, key: str) -> IO[bytes]:
        file = S3File(lambda first: self._get(key, first), self._asking)
        return BufferedReader(file, _READ_BUFFER_SIZE)

    def _get(self, key: str, first: int) -> dict[str, Any]:
        part = {"Range": f"bytes={first}-"} if first else {}
        return self._ask(key, lambda: self._client.get_object(**self._object(key), **part))

    def size(self, key: str) -> int:
        found = self._ask(key, lambda: self._client.head_object(**self._object(key)))
        return int(found["ContentLength"])

    def walk(self, folder: str = f"{USERS}/") -> Iterator[StoredFile]:
        """S3 lists by bytes itself."""
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=self._prefix + folder
            )
        )
        while True:
            with self._asking(folder):
                page = next(pages, None)
            if page is None:
                return
            for each in page.get("Contents", ()):
                key = each["Key"].removeprefix(self._prefix)
                yield StoredFile(key, each["Size"], each["LastModified"])

    def _write(self, key: str, file: IO[bytes]) -> None:
        """Take one request: the key leads to the whole file or to nothing."""
        headers = {"ContentType": _content_type(key), "ContentDisposition": _disposition(key)}
        size = file.seek(0, 2)
        file.seek(0)
        if size > _MAX_SINGLE_PUT:
            with self._asking(key):
                self._client.upload_fileobj(
                    file, self.bucket_name, self._full_key(key), ExtraArgs=headers, Config=_UPLOAD
                )
            return

        def put() -> None:
            file.seek(0)
            self._client.put_object(**self._object(key), Body=file, **headers)

        self._ask(key, put)

    def move(self, key: str, to: str) -> None:
        self._ask(
            key,
            lambda: self._client.copy_object(**self._object(to), CopySource=self._object(key)),
        )
        self.delete(key)

    def delete(self, key: str) -> None:
        self._ask(key, lambda: self._client.delete_object(**self._object(key)))

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete side by side; not every compatible storage deletes several by one request."""

        def delete(key: str) -> None:
            self._ask(key, lambda: self._client.delete_object(**self._object(key)), in_slot=True)

        # One slot for the caller, who waits for them all.
        with thread_slots.take(), ThreadPoolExecutor(_DELETIONS_AT_ONCE) as pool:
            for _ in pool.map(delete, keys):
                pass

    def _ask(self, key: str, call: Callable[[], T], *, in_slot: bool = False) -> T:
        """Return what a request returns; make it once more where it failed at once."""
        began = time.monotonic()
        try:
            with self._asking(key, in_slot=in_slot, is_last=False):
                return call()
        except StorageAway as error:
            if self._part.is_away or time.monotonic() - began > _PROMPT_SECONDS:
                raise
            if _is_for_good(error):
                raise
        with self._asking(key, in_slot=in_slot):
            return call()

    def refuse_while_away(self) -> None:
        if self._part.is_away:
            self._part.refuse()
            raise StorageAway("It was away a moment ago.")

    @contextmanager
    def _asking(self, key: str, *, in_slot: bool = False, is_last: bool = True) -> Iterator[None]:
        """Raise StorageAway while the storage is away, and note where it turns out to be."""
        self.refuse_while_away()
        if not in_slot:
            with thread_slots.take(), self._asking(key, in_slot=True, is_last=is_last):
                yield
            return
        began = time.monotonic()
        try:
            with translate_errors(key):
                yield
        except StorageAway as error:
            # One file's errors say nothing of the others; a silence keeps everybody waiting.
            if time.monotonic() - began > _PROMPT_SECONDS:
                self._part.failed(error, began=began)
            elif is_last:
                self._part.suspect()
            raise

    def presigned_url(self, key: str, *, begins: int, seconds: int, name: str = "") -> str:
        """Sign without asking the storage; a browser may keep the file until the URL ends."""
        return self._presigner.presign(
            self._full_key(key),
            begins=begins,
            seconds=seconds,
            content_type=_content_type(key),
            content_disposition=_disposition(key, name),
            cache_control="private, immutable",
            expires=formatdate(begins + seconds, usegmt=True),
        )

    @property
    def origin(self) -> str:
        parts = urlsplit(self._presigner.base)
        return f"{parts.scheme}://{parts.netloc}"

    @cached_property
    def _presigner(self) -> Presigner:
        """Ask the library how URLs in the bucket begin; it makes no request for that."""
        client = self._client
        if self._public_endpoint_url:
            with _MAKING:
                client = self._make_client(self._public_endpoint_url, _WAITS)
        any_object = {"Bucket": self.bucket_name, "Key": "k"}
        base = client.generate_presigned_url("get_object", Params=any_object).split("?")[0]
        return Presigner(base[:-1], self._region_name, self._access_key, self._secret_key)

    @property
    def _client(self) -> Any:
        """One for all threads: boto3's clients allow it."""
        with _MAKING:
            return self._only_client

    @cached_property
    def _only_client(self) -> Any:
        return self._make_client(
            self._endpoint_url, _COMMAND_WAITS if settings.IS_COMMAND else _WAITS
        )

    @cached_property
    def _checking_client(self) -> Any:
        with _MAKING:
            return self._make_client(self._endpoint_url, _CHECK_WAITS)

    def _make_client(self, endpoint_url: str, waits: dict[str, Any]) -> Any:
        style = {"addressing_style": self._addressing_style}
        return _session().client(
            "s3",
            aws_access_key_id=self._access_key,
            aws_secret_access_key=self._secret_key,
            region_name=self._region_name,
            endpoint_url=endpoint_url,
            config=Config(s3=style, **_CLIENT_OPTIONS, **waits),
        )

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._full_key(key)}

    def _full_key(self, key: str) -> str:
        """Raise SuspiciousFileOperation for a key that a server might read as another folder's."""
        if ".." in key.split("/"):
            raise SuspiciousFileOperation(f"{key} leaves its folder.")
        return self._prefix + key


def _is_for_good(error: StorageAway) -> bool:
    """Tell whether the storage answered, and not with an error of its own."""
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return False
    status: int = cause.response["ResponseMetadata"].get("HTTPStatusCode", 500)
    return status < 500


@made_once
def _session() -> boto3.Session:
    """Return what makes every client: another reads the library's description of S3 anew, 0.2 s."""
    return boto3.Session()


def _content_type(key: str) -> str:
    """Return the type by the key; what is none of our formats is never shown in a browser."""
    return content_type_of(key) or _UNKNOWN_TYPE


def _disposition(key: str, name: str = "") -> str:
    name = name or key.rsplit("/", 1)[-1]
    is_download = _content_type(key) == _UNKNOWN_TYPE
    return content_disposition_header(as_attachment=is_download, filename=name) or "inline"
