"""How far a command has come."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from tqdm import tqdm

from upkeep.referenced_keys import count_referenced_keys

Item = TypeVar("Item")


def progress_bar(title: str, unit: str = "files") -> Callable[[Iterable[Item]], Iterable[Item]]:
    """Return a function that draws a bar while its argument is iterated, if on a terminal."""

    def draw(items: Iterable[Item]) -> Iterable[Item]:
        return tqdm(items, title, count_referenced_keys(), unit=f" {unit}", disable=None)

    return draw
