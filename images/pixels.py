"""The pixels that the check of an upload leaves for its thumbnails, so that it is decoded once.

They lie where web processes and workers both reach: in the work folder if they share it, else in
Redis; for two minutes, and so many in all. Whoever finds none decodes the original, so nothing here
fails anything. They are a stranger's as the upload is: only the sandbox looks at them.
"""

import logging
import os
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError

from images.sandbox.work_dir import work_dir
from lib.redis_client import ask_redis, redis_client
from lib.redis_copy import copy_string, store_string

logger = logging.getLogger(__name__)
# A picture 1,080 pixels high takes 5 MB, with transparency 6.
MAX_BYTES = 8 * 1024**2
KEPT_SECONDS = 120
# A hundred pictures of 400 pixels in height: more wait only where workers cannot keep up. A quarter
# of what the Redis of docker-compose.yml may hold.
MAX_BYTES_IN_ALL = 64 * 1024**2
MAX_BANDS = 4
_PIECE = 64 * 1024
# Behind the samples: width, height, bands, and the height that was asked for.
_SHAPE = struct.Struct(">HHBH")


@dataclass(frozen=True, slots=True)
class Shape:
    """How samples of a byte each lie: line by line, with the bands of a pixel side by side.

    One band is grey, three are sRGB, and one more is transparency. `made_for` is the height in
    pixels that was asked for: a picture that is less high is there in full.
    """

    width: int
    height: int
    bands: int
    made_for: int

    @property
    def bytes(self) -> int:
        return self.width * self.height * self.bands

    def suffices(self, height: int) -> bool:
        """Tell whether a thumbnail of this height is as good as from the original."""
        return height <= self.made_for or self.height < self.made_for


@dataclass(frozen=True, slots=True)
class Pixels:
    """Samples in a file without a name, from its beginning."""

    shape: Shape
    file: BinaryIO


class _Unreadable(Exception):
    """Samples are not there any more."""


def leave(uid: UUID, pixels: Pixels) -> None:
    """Leave a picture's pixels for whoever renders its thumbnails, and close them; never raise."""
    put = _Folder.put if settings.WORK_DIR_SHARED else _put_in_redis
    try:
        with pixels.file:
            put(uid, pixels)
    except (OSError, RedisError, _Unreadable) as error:
        logger.warning("pixels are not left for thumbnails: %s", type(error).__name__)


def _pieces(pixels: Pixels) -> Iterator[bytes]:
    """Yield the samples, and behind them their shape."""
    shape, position = pixels.shape, 0
    while position < shape.bytes:
        # Not by its own position, which the decoder could move.
        try:
            piece = os.pread(pixels.file.fileno(), min(_PIECE, shape.bytes - position), position)
        except OSError as error:
            raise _Unreadable from error
        if not piece:
            raise _Unreadable
        yield piece
        position += len(piece)
    yield _SHAPE.pack(shape.width, shape.height, shape.bands, shape.made_for)


@contextmanager
def taken(uid: UUID) -> Iterator[Pixels | None]:
    """Take a picture's pixels, which are gone then; None where there are none."""
    with tempfile.TemporaryFile(dir=work_dir(), buffering=0) as file:
        take = _Folder.take if settings.WORK_DIR_SHARED else _take_from_redis
        try:
            take(uid, file)
            shape = _cut_shape(file)
        except (OSError, RedisError) as error:
            logger.warning("pixels are not to be had: %s", type(error).__name__)
            shape = None
        yield Pixels(shape, file) if shape else None


def drop(uid: UUID) -> None:
    """Forget a picture's pixels, if there are any; never raise."""
    with taken(uid):
        pass


def remove_expired() -> float | None:
    """Remove from the folder what lies there too long, whoever left it.

    Return after how many seconds there is more to remove; None where nothing lies there.
    """
    return _Folder.remove_expired()


def _cut_shape(file: BinaryIO) -> Shape | None:
    """Cut off the shape behind the samples, and return it; None for what is none of ours."""
    length = os.fstat(file.fileno()).st_size - _SHAPE.size
    if length <= 0:
        return None
    shape = Shape(*_SHAPE.unpack(os.pread(file.fileno(), _SHAPE.size, length)))
    if shape.bytes != length or length > MAX_BYTES or not 1 <= shape.bands <= MAX_BANDS:
        return None
    file.truncate(length)
    return shape


class _Folder:
    """Files named for their pictures, in a folder within the work folder."""

    _lock: ClassVar = threading.Lock()
    _remover: ClassVar[threading.Thread | None] = None

    @staticmethod
    def _path() -> Path:
        path = work_dir() / "pixels"
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    @classmethod
    def put(cls, uid: UUID, pixels: Pixels) -> None:
        """Write a file, unless too much lies there, and see to it that it goes in time."""
        folder = cls._path()
        there = sum(size for _, size, _ in cls._entries(folder))
        if there + pixels.shape.bytes + _SHAPE.size > MAX_BYTES_IN_ALL:
            return
        cls._remove_in_time()
        unfinished = folder / f".{uid}"
        try:
            with unfinished.open("wb") as file:
                file.writelines(_pieces(pixels))
            unfinished.rename(folder / str(uid))
        except (OSError, _Unreadable):
            unfinished.unlink(missing_ok=True)
            raise

    @classmethod
    def take(cls, uid: UUID, into: BinaryIO) -> None:
        """Copy a file's content, and remove it first, so that it is there for one alone."""
        path = cls._path() / str(uid)
        with suppress(FileNotFoundError), path.open("rb") as file:
            path.unlink()
            into.write(file.read(MAX_BYTES + _SHAPE.size + 1))

    @classmethod
    def remove_expired(cls) -> float | None:
        now, left = time.time(), []
        for path, _, written_at in cls._entries(cls._path()):
            if written_at + KEPT_SECONDS <= now:
                path.unlink(missing_ok=True)
            else:
                left.append(written_at + KEPT_SECONDS - now)
        return min(left, default=None)

    @staticmethod
    def _entries(folder: Path) -> list[tuple[Path, int, float]]:
        """Return path, size and time of writing of each file."""
        found = []
        for entry in os.scandir(folder):
            with suppress(FileNotFoundError):  # taken meanwhile
                facts = entry.stat(follow_symlinks=False)
                found.append((Path(entry.path), facts.st_size, facts.st_mtime))
        return found

    @classmethod
    def _remove_in_time(cls) -> None:
        """Have a thread remove files as they expire, until none is there."""
        with cls._lock:
            if cls._remover is None:
                cls._remover = threading.Thread(target=cls._remove, name="pixels", daemon=True)
                cls._remover.start()

    @classmethod
    def _remove(cls) -> None:
        # The first file is yet to be written.
        wait: float | None = KEPT_SECONDS / 4
        while wait is not None:
            time.sleep(wait)
            with cls._lock:
                try:
                    wait = cls.remove_expired()
                except OSError as error:
                    logger.warning("pixels cannot be removed: %s", type(error).__name__)
                    wait = KEPT_SECONDS / 4
                if wait is None:
                    cls._remover = None


# What is done about a picture's entry in the index, which tells the length of each and when it
# ends, as Redis ends it by itself. The content stays out of the scripts: Redis would copy it twice.
# KEYS: the index, the picture. ARGV: how many bytes may be there in all, for how many seconds.
_ADD_TO_INDEX = """
local now, length = tonumber(redis.call('TIME')[1]), redis.call('STRLEN', KEYS[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local total = length
for _, each in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  total = total + tonumber(string.match(each, '^%d+'))
end
if total > tonumber(ARGV[1]) then redis.call('DEL', KEYS[2]) return end
redis.call('ZADD', KEYS[1], now + ARGV[2], length .. ':' .. KEYS[2])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


def _put_in_redis(uid: UUID, pixels: Pixels) -> None:
    index, key = _keys(uid)
    length = pixels.shape.bytes + _SHAPE.size
    store_string(key, partial(_pieces, pixels), length=length, ex=KEPT_SECONDS)
    redis_client().eval(_ADD_TO_INDEX, 2, index, key, MAX_BYTES_IN_ALL, KEPT_SECONDS)


def _take_from_redis(uid: UUID, into: BinaryIO) -> None:
    index, key = _keys(uid)
    if length := copy_string("GETDEL", key, into=into, most=MAX_BYTES + _SHAPE.size):
        ask_redis("ZREM", index, f"{length}:{key}")


def _keys(uid: UUID) -> tuple[str, str]:
    prefix = f"{settings.CACHES['default']['KEY_PREFIX']}:pixels"
    return prefix, f"{prefix}:{uid}"
