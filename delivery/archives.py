"""ZIP archives, streamed while they are made, in memory that their size does not change."""

import hashlib
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from zipstream import ZipStream, ZipStreamInfo

from delivery.archive_slots import ArchiveSlot
from images.sandbox.work_dir import work_dir

_CHUNK_SIZE = 64 * 1024
# What of the directory at an archive's end stays in memory: that of some thousand files.
_DIRECTORY_IN_MEMORY = 1024**2


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive: its name there, and its bytes, which are read once."""

    name: str
    content: bytes | Iterable[bytes]
    # In bytes, where it is known; without it, the member may be of any size.
    size: int | None = None


def file_member(name: str, file: IO[bytes]) -> Member:
    """Return a member with the bytes of an open file, which is closed when they have been read."""
    size = file.seek(0, 2)
    file.seek(0)
    return Member(name, _read_chunks(file), size)


def archive_response(
    method: str | None, owner_id: UUID, name: str, members: Callable[[], Iterator[Member]]
) -> HttpResponseBase:
    """Return the response that sends an archive to an account, one at a time; HEAD sends none.

    Members are asked for one after the other while it is sent. Raise ArchiveBusy, and what the
    first member raises; what a later one raises breaks the response off, so that the client knows
    that it is not whole.
    """
    if method == "HEAD":
        # Not a body of 0 bytes: how long the archive is, nobody knows.
        response = StreamingHttpResponse(())
    else:
        response = StreamingHttpResponse(_Sending(ArchiveSlot(owner_id), members))
    response["Content-Type"] = "application/zip"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    # nginx would write what a slow client has not taken yet to its disk, gigabytes of it.
    response["X-Accel-Buffering"] = "no"
    return response


class _Sending:
    """The bytes of an archive; `close` ends it at any point and gives its slot back."""

    def __init__(self, slot: ArchiveSlot, members: Callable[[], Iterator[Member]]) -> None:
        self._slot = slot
        self._content = write_archive(member for ask in (members,) for member in ask())
        try:
            self._beginning = [next(self._content)]
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._slot.renew()
        return self._beginning.pop() if self._beginning else next(self._content)

    def close(self) -> None:
        """Close what is open; Django calls it at the end of every response."""
        try:
            self._content.close()
        finally:
            self._slot.release()


def write_archive(members: Iterable[Member]) -> Generator[bytes, None, None]:
    """Yield a ZIP archive (not compressed: pictures are) of members in their order."""
    archive = ZipStream()
    with _Directory() as archive._filelist:
        for member in members:
            archive.add(member.content, member.name, size=member.size)
            yield from archive.all_files()
        yield from archive.footer()


class _Directory:
    """The list of an archive's files, which stands at its end: on disk, where it is long.

    It takes the place of the library's list, which holds an object for each file.
    """

    def __init__(self) -> None:
        self._count = 0
        self._file = SpooledTemporaryFile(max_size=_DIRECTORY_IN_MEMORY, dir=str(work_dir()))  # noqa: SIM115 (closed by `__exit__`)

    def __enter__(self) -> "_Directory":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def append(self, info: ZipStreamInfo) -> None:
        self._file.write(info._central_directory_header_data())
        self._count += 1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator["_DirectoryPart"]:
        self._file.seek(0)
        while part := self._file.read(_CHUNK_SIZE):
            yield _DirectoryPart(part)


@dataclass(frozen=True, slots=True)
class _DirectoryPart:
    """Some bytes of the list, under the name by which the library asks a file for its entry."""

    content: bytes

    def _central_directory_header_data(self) -> bytes:
        return self.content


class UniqueNames:
    """Names of files in one archive, none of which two file systems take for the same.

    A Bloom filter of 2 MiB remembers them, whatever their number: of a million names, one in
    two thousand gets a number that it did not need.
    """

    _BITS = 2**24
    _HASHES = 7

    def __init__(self) -> None:
        self._seen = bytearray(self._BITS // 8)

    def claim(self, name: str, number: int) -> str:
        """Return a name that was not given before: with `number` behind it, where it was."""
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        unique = name
        while not self._add(unique):
            unique, number = f"{stem} ({number}){dot}{extension}", number + 1
        return unique

    def _add(self, name: str) -> bool:
        """Remember a name; return whether it is new."""
        same = unicodedata.normalize("NFC", name).casefold()
        digest = hashlib.sha256(same.encode()).digest()
        is_new = False
        for start in range(0, 4 * self._HASHES, 4):
            place = int.from_bytes(digest[start : start + 4]) % self._BITS
            byte, bit = place // 8, 1 << place % 8
            if not self._seen[byte] & bit:
                is_new = True
                self._seen[byte] |= bit
        return is_new


def _read_chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_SIZE):
            yield chunk
