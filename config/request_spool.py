"""Receives the body of a request before a thread is taken for it, within bounds of time and size.

A thread that waited for a client's bytes would be one that serves nobody, and there are few.
"""

import asyncio
from collections.abc import Awaitable, Callable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from images.sandbox.work_dir import work_dir

# Larger than the largest upload of a tier, of which the views know more.
MAX_BODY_SIZE = 64 * 1024 * 1024
# What all bodies that are being received may take on the disk.
MAX_SPOOLED = 1024 * 1024 * 1024
# A body has this long, and longer as long as it comes at this rate.
BODY_SECONDS = 10
MIN_BYTES_PER_SECOND = 10 * 1024
_IN_MEMORY = 64 * 1024
Receive = Callable[[], Awaitable[Any]]


class BodyNotReceived(Exception):
    """Why a body was not received to its end; `reason` is a key of config.middleware.body_limit."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Spool:
    """The bodies that one process is receiving."""

    def __init__(self) -> None:
        self.size = 0

    async def receive(self, receive: Receive, limit: int) -> "ReceivedBody":
        """Return a request's body, which the caller closes.

        Raise BodyNotReceived for one that is too large or too slow or finds no room, and
        ConnectionResetError where the client went away: half a body must not pass for a whole one.
        """
        body = ReceivedBody(self)
        try:
            await self._fill(body, receive, limit)
        except BaseException:
            body.close()
            raise
        return body

    async def _fill(self, body: "ReceivedBody", receive: Receive, limit: int) -> None:
        now = asyncio.get_running_loop().time
        started, has_more = now(), True
        while has_more:
            left = started + BODY_SECONDS + body.size / MIN_BYTES_PER_SECOND - now()
            try:
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError:
                raise BodyNotReceived("too_slow") from None
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("The client went away.")
            chunk, has_more = message.get("body", b""), message.get("more_body", False)
            if body.size + len(chunk) > limit:
                raise BodyNotReceived("too_large")
            self.size += len(chunk)
            body.size += len(chunk)
            if self.size > MAX_SPOOLED:
                raise BodyNotReceived("no_room")
            try:
                # At most 64 KB, and to the page cache: faster than handing it to a thread.
                body.file.write(chunk)
            except OSError as error:  # the disk is full
                raise BodyNotReceived("no_room") from error

    def release(self, size: int) -> None:
        self.size -= size


class ReceivedBody:
    """A body in memory, from 64 KB on in a temporary file."""

    def __init__(self, spool: Spool) -> None:
        self.file: IO[bytes] = SpooledTemporaryFile(  # noqa: SIM115 (closed by `close`)
            max_size=_IN_MEMORY, dir=str(work_dir())
        )
        self.size = 0
        self._spool = spool

    def close(self) -> None:
        self.file.close()
        self._spool.release(self.size)
