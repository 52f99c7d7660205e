"""Two sorted streams side by side: what is in both, and what is in one alone. Pure."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from images.storage.listing import in_byte_order


class Keyed(Protocol):
    """Anything that has a key."""

    @property
    def key(self) -> str:
        """What the streams are sorted by."""
        ...


Left = TypeVar("Left", bound=Keyed)
Right = TypeVar("Right", bound=Keyed)
Item = TypeVar("Item", bound=Keyed)


class OutOfOrder(Exception):
    """A stream that is not sorted by bytes: nothing that was concluded from it would hold."""


def merged(
    left: Iterable[Left], right: Iterable[Right]
) -> Iterator[tuple[Left | None, Right | None]]:
    """Pair what has the same key, in the keys' order; holds one item of each stream.

    Raises OutOfOrder.
    """
    ours, theirs = _ascending(left), _ascending(right)
    one, other = next(ours, None), next(theirs, None)
    while one or other:
        order = _compared(one, other)
        yield (one if order <= 0 else None), (other if order >= 0 else None)
        if order <= 0:
            one = next(ours, None)
        if order >= 0:
            other = next(theirs, None)


def _compared(one: Keyed | None, other: Keyed | None) -> int:
    if one is None or other is None:
        return 1 if one is None else -1
    here, there = in_byte_order(one.key), in_byte_order(other.key)
    return (here > there) - (here < there)


def _ascending(items: Iterable[Item]) -> Iterator[Item]:
    last = b""
    for item in items:
        place = in_byte_order(item.key)
        if place < last:
            raise OutOfOrder(f"{item.key!r} comes too late: the listing is not sorted by bytes.")
        last = place
        yield item
