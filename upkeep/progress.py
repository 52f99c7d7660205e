"""How far a walk has come, shown where a person looks on."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from tqdm import tqdm

from upkeep import referenced_keys

Item = TypeVar("Item")


def bar(what: str, unit: str = "files") -> Callable[[Iterable[Item]], Iterable[Item]]:
    """Return what draws a progress bar around a walk; nothing is drawn without a terminal."""

    def around(items: Iterable[Item]) -> Iterable[Item]:
        return tqdm(items, what, referenced_keys.count(), unit=f" {unit}", disable=None)

    return around
