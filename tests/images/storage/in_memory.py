"""The smallest storage there can be: an example for a new one, and proof that one class does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import IO

from images.storage.base import PictureStorage
from images.storage.listing import StoredFile, in_byte_order


@dataclass
class InMemoryStorage(PictureStorage):
    """A dictionary: it holds for one process, and until that ends."""

    name: str = "pictures"
    files: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"memory:///{self.name}"

    def check(self) -> None:
        """A dictionary is never away."""

    def open(self, key: str) -> IO[bytes]:
        return BytesIO(self._find(key)[0])

    def size(self, key: str) -> int:
        return len(self._find(key)[0])

    def walk(self, folder: str = "users/") -> Iterator[StoredFile]:
        for key in sorted(self.files, key=in_byte_order):
            if key.startswith(folder):
                content, modified_at = self.files[key]
                yield StoredFile(key, len(content), modified_at)

    def _write(self, key: str, file: IO[bytes]) -> None:
        self.files[key] = file.read(), datetime.now(UTC)

    def move(self, key: str, to: str) -> None:
        self.files[to] = self._find(key)
        del self.files[key]

    def delete(self, key: str) -> None:
        self.files.pop(key, None)

    def _find(self, key: str) -> tuple[bytes, datetime]:
        if key not in self.files:
            raise FileNotFoundError(key)
        return self.files[key]
