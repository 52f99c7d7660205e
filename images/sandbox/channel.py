"""How the service and its decoders talk: JSON behind its length, over a Unix socket.

Both sides load this module, so it imports only the standard library. Descriptors are taken by the
decoders alone: what they may send along is dropped by the kernel, since `receive` offers no place
for it.
"""

import json
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any

# The longest reply is the refusal of a picture or the sizes of its thumbnails: a few kilobytes.
MAX_MESSAGE_BYTES = 64 * 1024
MAX_DESCRIPTORS = 2
_LENGTH = struct.Struct(">I")


class BadMessage(Exception):
    """A message is too long, or is no JSON object."""


def send(
    channel: socket.socket, message: Mapping[str, Any], descriptors: Sequence[int] = ()
) -> None:
    """Send a message; raises OSError when the other side is gone."""
    whole = frame(json.dumps(message).encode())
    sent = socket.send_fds(channel, [whole], descriptors) if descriptors else 0
    # To send nothing would fail where the other side has read all, answered and ended by now.
    if sent < len(whole):
        channel.sendall(whole[sent:])


def frame(body: bytes) -> bytes:
    """Return a message's bytes as they go over the channel."""
    return _LENGTH.pack(len(body)) + body


def receive(channel: socket.socket, deadline: float | None = None) -> dict[str, Any]:
    """Return the next message; `deadline` is by time.monotonic().

    Raises BadMessage, EOFError when the other side is gone, and TimeoutError.
    """
    return _parse(channel, b"", deadline)


def receive_with_descriptors(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Return the next message, and copies of the descriptors that came with it."""
    begin, descriptors, _, _ = socket.recv_fds(channel, _LENGTH.size, MAX_DESCRIPTORS)
    return _parse(channel, begin, None), descriptors


def _parse(channel: socket.socket, begin: bytes, deadline: float | None) -> dict[str, Any]:
    begin += _read(channel, _LENGTH.size - len(begin), deadline)
    (length,) = _LENGTH.unpack(begin)
    if length > MAX_MESSAGE_BYTES:
        raise BadMessage("too long")
    body = _read(channel, length, deadline)
    try:
        message = _DECODER.decode(body.decode())
    except (ValueError, RecursionError):
        raise BadMessage("no JSON") from None
    if not isinstance(message, dict):
        raise BadMessage("no object")
    return message


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _read(channel: socket.socket, count: int, deadline: float | None) -> bytes:
    pieces = b""
    while len(pieces) < count:
        if deadline is not None:
            channel.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            piece = channel.recv(count - len(pieces))
        except ConnectionError:
            piece = b""
        if not piece:
            raise EOFError
        pieces += piece
    return pieces
