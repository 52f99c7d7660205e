"""Long strings between files and Redis, piece by piece.

The library would have one in memory several times before anybody sees it, which takes most of the
time that such a string takes.
"""

import socket
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from lib.redis_client import own_connection, redis_client

_PIECE = 64 * 1024
# As both versions of the protocol say it (RESP3, RESP2).
_NOTHING = (b"_", b"$-1")


def store_string(key: str, pieces: Callable[[], Iterator[bytes]], *, length: int, ex: int) -> None:
    """Set a key to what the pieces are together, so many bytes, for `ex` seconds.

    It raises RedisError, and what `pieces` raises, which must be no OSError: nothing is set then.
    """
    pool: Any = redis_client().connection_pool
    connection = pool.get_connection()
    begin = b"*5\r\n$3\r\nSET\r\n" + _bulk(key) + b"$%d\r\n" % length
    end = b"\r\n$2\r\nEX\r\n" + _bulk(str(ex))

    def store() -> None:
        connection.send_packed_command(chain([begin], pieces(), [end]))
        connection.read_response()

    try:
        connection.retry.call_with_retry(store, lambda _: connection.disconnect())
    finally:
        pool.release(connection)


def _bulk(text: str) -> bytes:
    encoded = text.encode()
    return b"$%d\r\n%b\r\n" % (len(encoded), encoded)


def copy_string(*command: str, into: BinaryIO, most: int) -> int:
    """Write the string that Redis answers to a command into a raw file; return its length.

    0 where there is none. It goes over the calling thread's own connection, and raises RedisError,
    also where the string is longer than `most`, and OSError where the file takes nothing.
    """
    connection = own_connection()

    def copy() -> int:
        into.seek(0)
        into.truncate()
        connection.send_command(*command)
        try:
            return _copy(connection._sock, into, most)
        except BaseException:
            # What is left of the answer is nobody else's.
            connection.disconnect()
            raise

    length: int = connection.retry.call_with_retry(copy, lambda _: connection.disconnect())
    return length


def _copy(opened: socket.socket, into: BinaryIO, most: int) -> int:
    buffer = bytearray(_PIECE)
    view = memoryview(buffer)
    had, end = 0, -1
    while end < 0:
        had += _receive(opened, view[had:])
        end = buffer.find(b"\r\n", 0, had)
    length = _length(bytes(view[:end]), most)
    if length:
        into.write(view[end + 2 : min(had, end + 2 + length)])
        done = had - end - 2
        while done < length + 2:
            got = _receive(opened, view[: length + 2 - done])
            into.write(view[: max(0, min(got, length - done))])
            done += got
    return length


def _length(head: bytes, most: int) -> int:
    """Return the length that the first line of an answer states."""
    if head in _NOTHING:
        return 0
    if head.startswith(b"-"):
        raise ResponseError(head[1:].decode(errors="replace"))
    try:
        length = int(head.removeprefix(b"$"))
    except ValueError:
        raise InvalidResponse("no string") from None
    if length > most:
        raise InvalidResponse("too long")
    return length


def _receive(opened: socket.socket, into: memoryview) -> int:
    try:
        got = opened.recv_into(into)
    except TimeoutError as error:
        raise RedisTimeoutError("no answer in time") from error
    except OSError as error:
        raise RedisConnectionError(str(error)) from error
    if not got:
        raise RedisConnectionError("closed by Redis")
    return got
