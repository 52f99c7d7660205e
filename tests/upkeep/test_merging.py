"""Two sorted streams side by side."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.storage.listing import in_byte_order
from upkeep.merging import OutOfOrder, merge_by_key


@dataclass(frozen=True)
class Item:
    key: str


NAMES = st.sets(st.text("ab-/._é\U0001f4f7", max_size=4))


def items(names: set[str]) -> list[Item]:
    return [Item(name) for name in sorted(names, key=in_byte_order)]


@given(NAMES, NAMES)
def test_every_key_comes_once_with_what_both_sides_have(left: set[str], right: set[str]) -> None:
    pairs = list(merge_by_key(items(left), items(right)))
    assert {one.key for one, _ in pairs if one} == left
    assert {other.key for _, other in pairs if other} == right
    assert {one.key for one, other in pairs if one and other} == left & right
    assert len(pairs) == len(left | right)
    assert all(one.key == other.key for one, other in pairs if one and other)


def test_a_listing_that_is_not_sorted_proves_nothing() -> None:
    with pytest.raises(OutOfOrder, match="'a' comes too late"):
        list(merge_by_key([], [Item("b"), Item("a")]))
