"""Pictures in a bucket of an S3-compatible storage, under the same keys as on disk."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import cache, cached_property
from io import BufferedReader
from threading import RLock
from typing import IO, Any
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.core.exceptions import SuspiciousFileOperation
from django.utils.http import content_disposition_header

from images.formats.registry import content_type_of
from images.storage.base import PictureStorage
from images.storage.keys import USERS
from images.storage.listing import StoredFile
from images.storage.s3_file import S3File, translate_errors
from images.storage.sigv4 import Presigner

_UNKNOWN_TYPE = "application/octet-stream"
_READ_BUFFER_SIZE = 64 * 1024
# One request for any picture: larger files only come in by `move_storage`.
_UPLOAD = TransferConfig(multipart_threshold=64 * 1024**2, use_threads=False)
# Someone waits for the response: rather an error that says when to come back than a long silence.
_CLIENT_OPTIONS = {
    "signature_version": "s3v4",
    "connect_timeout": 2,
    "read_timeout": 10,
    "max_pool_connections": 32,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}
# Of the connections that a client keeps.
_DELETIONS_AT_ONCE = 16
# Sessions make one client at a time.
_MAKING = RLock()


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

    @property
    def url(self) -> str:
        return f"{self._endpoint_url}/{self.bucket_name}/{self._prefix}"

    def check(self) -> None:
        with translate_errors(self.bucket_name):
            self._client.head_bucket(Bucket=self.bucket_name)

    def open(self, key: str) -> IO[bytes]:
        return BufferedReader(S3File(lambda first: self._get(key, first)), _READ_BUFFER_SIZE)

    def _get(self, key: str, first: int) -> dict[str, Any]:
        part = {"Range": f"bytes={first}-"} if first else {}
        with translate_errors(key):
            response: dict[str, Any] = self._client.get_object(**self._object(key), **part)
        return response

    def size(self, key: str) -> int:
        with translate_errors(key):
            return int(self._client.head_object(**self._object(key))["ContentLength"])

    def walk(self, folder: str = f"{USERS}/") -> Iterator[StoredFile]:
        """S3 lists by bytes itself."""
        pages = self._client.get_paginator("list_objects_v2")
        with translate_errors(folder):
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=self._prefix + folder):
                for each in page.get("Contents", ()):
                    key = each["Key"].removeprefix(self._prefix)
                    yield StoredFile(key, each["Size"], each["LastModified"])

    def _write(self, key: str, file: IO[bytes]) -> None:
        """Take one request: the key leads to the whole file or to nothing."""
        headers = {"ContentType": _content_type(key), "ContentDisposition": _disposition(key)}
        with translate_errors(key):
            self._client.upload_fileobj(
                file, self.bucket_name, self._full_key(key), ExtraArgs=headers, Config=_UPLOAD
            )

    def move(self, key: str, to: str) -> None:
        with translate_errors(key):
            self._client.copy_object(**self._object(to), CopySource=self._object(key))
            self._client.delete_object(**self._object(key))

    def delete(self, key: str) -> None:
        with translate_errors(key):
            self._client.delete_object(**self._object(key))

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete side by side; not every compatible storage deletes several by one request."""
        with ThreadPoolExecutor(_DELETIONS_AT_ONCE) as pool:
            for _ in pool.map(self.delete, keys):
                pass

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
                client = self._make_client(self._public_endpoint_url)
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
        return self._make_client(self._endpoint_url)

    def _make_client(self, endpoint_url: str) -> Any:
        style = {"addressing_style": self._addressing_style}
        return _session().client(
            "s3",
            aws_access_key_id=self._access_key,
            aws_secret_access_key=self._secret_key,
            region_name=self._region_name,
            endpoint_url=endpoint_url,
            config=Config(s3=style, **_CLIENT_OPTIONS),
        )

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._full_key(key)}

    def _full_key(self, key: str) -> str:
        """Raise SuspiciousFileOperation for a key that a server might read as another folder's."""
        if ".." in key.split("/"):
            raise SuspiciousFileOperation(f"{key} leaves its folder.")
        return self._prefix + key


@cache
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
