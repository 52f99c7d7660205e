"""Pictures in a bucket of an S3-compatible storage, under the same keys as on disk."""

import threading
from collections.abc import Iterator
from email.utils import formatdate
from functools import cached_property
from io import BufferedReader
from typing import IO, Any
from urllib.parse import urlsplit

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from django.core.files import File
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from images.formats.registry import CONTENT_TYPES, EXTENSIONS
from images.storage.listing import Stored
from images.storage.s3_file import RemoteFile, asking
from images.storage.sigv4 import Presigner

_TYPES = {EXTENSIONS[name]: CONTENT_TYPES[name] for name in EXTENSIONS}
_UNKNOWN = "application/octet-stream"
# One request for any picture: larger ones only come in by `move_storage`.
_ONE_REQUEST = 64 * 1024**2
# Someone waits for the answer: rather a refusal that says when to come back than a long silence.
_CLIENT = {
    "signature_version": "s3v4",
    "connect_timeout": 2,
    "read_timeout": 10,
    "max_pool_connections": 32,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}


class S3PictureStorage(S3Storage):  # type: ignore[misc]  # the library has no types
    """Raises FileNotFoundError, and StorageAway where the storage does not answer as it should."""

    _lock = threading.Lock()

    def __init__(self, **options: Any) -> None:
        """Take the library's options, and `public_endpoint_url` where browsers use another one."""
        self.public_endpoint_url: str = options.pop("public_endpoint_url", "")
        style = {"addressing_style": options.get("addressing_style")}
        options["client_config"] = Config(s3=style, **_CLIENT)
        options["transfer_config"] = TransferConfig(_ONE_REQUEST, use_threads=False)
        super().__init__(file_overwrite=False, querystring_auth=True, **options)

    @property
    def _client(self) -> Any:
        """One for all threads: boto3's clients allow it, and another costs 0.2 s of CPU."""
        with self._lock:
            return self.bucket.meta.client

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(key)}

    def _open(self, name: str, mode: str = "rb") -> IO[bytes]:
        return BufferedReader(RemoteFile(lambda first: self._get(name, first)), 64 * 1024)

    def _get(self, name: str, first: int) -> dict[str, Any]:
        part = {"Range": f"bytes={first}-"} if first else {}
        with asking(name):
            answer: dict[str, Any] = self._client.get_object(**self._at(name), **part)
        return answer

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]
        """One request: the name leads to the whole file or to nothing."""
        with asking(name):
            saved: str = super()._save(name, content)
        return saved

    def get_object_parameters(self, name: str) -> dict[str, str]:
        """Say what it is by its key; what is none of our formats is never shown in a browser."""
        return {"ContentType": _type_of(name), "ContentDisposition": _disposition(name)}

    def exists(self, name: str) -> bool:
        """Tell whether bytes are stored there."""
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        """Return how many bytes."""
        with asking(name):
            return int(self._client.head_object(**self._at(name))["ContentLength"])

    def delete(self, name: str) -> None:
        """Remove; what is gone already is fine."""
        with asking(name):
            self._client.delete_object(**self._at(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the folders and the files right below a folder."""
        with asking(path):
            found: tuple[list[str], list[str]] = super().listdir(path)
        return found

    def move(self, key: str, to: str) -> None:
        """Give bytes another key: a copy, then the removal."""
        with asking(key):
            self._client.copy_object(**self._at(to), CopySource=self._at(key))
            self._client.delete_object(**self._at(key))

    def walk(self, folder: str) -> Iterator[Stored]:
        """Yield what is stored below a folder (it ends with a slash) as S3 sorts it: by bytes."""
        root = f"{self.location.strip('/')}/".lstrip("/")
        pages = self._client.get_paginator("list_objects_v2")
        with asking(folder):
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=root + folder):
                for each in page.get("Contents", ()):
                    key = each["Key"].removeprefix(root)
                    yield Stored(key, each["Size"], each["LastModified"])

    def has_folder(self, name: str) -> bool:
        """Yes: S3 has no folders to miss, and a bucket that is not there says so itself."""
        return True

    def check(self) -> None:
        """Raise where the bucket is not there for us."""
        with asking(self.bucket_name):
            self._client.head_bucket(Bucket=self.bucket_name)

    @property
    def origin(self) -> str:
        """Where browsers get pictures from: scheme and host."""
        parts = urlsplit(self._presigner.base)
        return f"{parts.scheme}://{parts.netloc}"

    def address(self, key: str, begins: int, seconds: int) -> str:
        """Return where whoever holds it can read a file for so many seconds from a moment.

        Nothing is asked of the storage. The answer may be kept until the address ends, no longer.
        """
        return self._presigner.address(
            self._normalize_name(key),
            begins=begins,
            seconds=seconds,
            content_type=_type_of(key),
            content_disposition=_disposition(key),
            cache_control="private, immutable",
            expires=formatdate(begins + seconds, usegmt=True),
        )

    @cached_property
    def _presigner(self) -> Presigner:
        """The library knows how a bucket's addresses begin; it asks nobody for that."""
        client = self._public_client if self.public_endpoint_url else self._client
        place = {"Bucket": self.bucket_name, "Key": "k"}
        base = client.generate_presigned_url("get_object", Params=place).split("?")[0]
        return Presigner(base[:-1], self.region_name, self.access_key, self.secret_key)

    @property
    def _public_client(self) -> Any:
        return self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=self.public_endpoint_url,
            config=self.client_config,
        )


def _type_of(key: str) -> str:
    return _TYPES.get(key.rsplit(".", 1)[-1], _UNKNOWN)


def _disposition(key: str) -> str:
    """The name is ours, and quoted all the same."""
    name = key.rsplit("/", 1)[-1]
    shown = _type_of(key) != _UNKNOWN
    return content_disposition_header(as_attachment=not shown, filename=name) or "inline"
