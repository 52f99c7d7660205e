"""Two streams that are sorted by key, side by side: what is in both, and what is in one alone."""

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
    """A stream is not sorted by bytes, so that nothing can be concluded from it."""


def merge_by_key(
    left: Iterable[Left], right: Iterable[Right]
) -> Iterator[tuple[Left | None, Right | None]]:
    """Pair what has the same key, in the keys' order; hold one item of each stream in memory.

    Raise OutOfOrder.
    """
    lefts, rights = _check_order(left), _check_order(right)
    one, other = next(lefts, None), next(rights, None)
    while one or other:
        order = _compare(one, other)
        yield (one if order <= 0 else None), (other if order >= 0 else None)
        if order <= 0:
            one = next(lefts, None)
        if order >= 0:
            other = next(rights, None)


def _compare(one: Keyed | None, other: Keyed | None) -> int:
    if one is None or other is None:
        return 1 if one is None else -1
    left, right = in_byte_order(one.key), in_byte_order(other.key)
    return (left > right) - (left < right)


def _check_order(items: Iterable[Item]) -> Iterator[Item]:
    last = b""
    for item in items:
        key = in_byte_order(item.key)
        if key < last:
            raise OutOfOrder(f"{item.key!r} comes too late: the listing is not sorted by bytes.")
        last = key
        yield item
