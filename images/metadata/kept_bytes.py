"""A file of zeros into which what stays is copied, each piece to where it lay.

So no offset changes, and what nobody thought of cannot stay.
"""

from collections.abc import Iterable, Iterator

Span = tuple[int, int]


class KeptBytes:
    """What is kept of a file; `end` is where the last of it ends."""

    def __init__(self, data: bytes) -> None:
        """Begin with nothing."""
        self.data = data
        self.result = bytearray(len(data))
        self.end = 0

    def keep(self, start: int, end: int) -> None:
        """Keep the bytes between two positions."""
        self.write(start, self.data[start:end])

    def write(self, at: int, content: bytes) -> None:
        """Write something of the same length as what lay there."""
        self.result[at : at + len(content)] = content
        self.end = max(self.end, at + len(content))


def merge(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the same places, in their order and each byte once: they may overlap a thousandfold."""
    first, last = 0, 0
    for start, end in sorted(spans):
        if start > last:
            if last > first:
                yield first, last
            first, last = start, end
        else:
            last = max(last, end)
            first = min(first, start)
    if last > first:
        yield first, last
