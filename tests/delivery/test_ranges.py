"""Byte ranges as RFC 9110 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.ranges import ByteRange, UnsatisfiableRange, is_plain_range, requested_range


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [("bytes=0-", 0, 9), ("bytes=2-4", 2, 4), ("bytes=2-99", 2, 9), ("bytes=-3", 7, 9),
     ("bytes=-1", 9, 9), ("bytes=-99", 0, 9), ("bytes=9-9", 9, 9), ("Bytes=0-", 0, 9),
     ("BYTES=2-4", 2, 4), (" bytes= 2-4 ", 2, 4), ("bytes=,2-4", 2, 4),
     ("bytes= , 2-4\t, ,", 2, 4)],
)  # fmt: skip
def test_one_range_is_parsed(header: str, first: int, last: int) -> None:
    assert requested_range(header, 10) == ByteRange(first, last)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=0-1,3-4",
        "items=0-1",
        "bytes=a-b",
        "bytes=,",
        "bytes= , ",
        "bytes=0 -1",
        "bytes=0- 1",
        "bytes =0-1",
        "bytes=\u0660-\u0661",
        "bytes=+0-1",
        "bytes=0_0-1",
        "bytes=0-1,x",
        "bytes=0-1\u00a0",
        "bytes=0-1\n",
    ],
)
def test_anything_but_one_range_gets_the_whole_file(header: str) -> None:
    assert requested_range(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-9", "bytes=0-9"])
def test_a_file_of_one_byte_has_one_range(header: str) -> None:
    found = requested_range(header, 1)
    assert found == ByteRange(0, 0)
    assert found.length == 1
    assert is_plain_range(header, 1)


def test_a_range_is_as_long_as_its_bytes() -> None:
    assert [ByteRange(0, 9).length, ByteRange(2, 4).length, ByteRange(7, 7).length] == [10, 3, 1]


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_past_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(UnsatisfiableRange):
        requested_range(header, 10)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"])
def test_of_an_empty_file_no_range_can_be_satisfied(header: str) -> None:
    with pytest.raises(UnsatisfiableRange):
        requested_range(header, 0)
    assert not is_plain_range(header, 0)


@given(st.text(max_size=30), st.integers(min_value=0, max_value=100))
def test_a_range_never_leaves_the_file(header: str, size: int) -> None:
    try:
        found = requested_range(header, size)
    except UnsatisfiableRange:
        return
    assert found is None or 0 <= found.first <= found.last < size


@pytest.mark.parametrize(
    ("header", "is_plain"),
    [
        ("bytes=0-3", True), ("Bytes=9-", True), ("bytes=-3", True),
        ("bytes=,0-3", False), ("bytes=0-3,", False), ("bytes= 0-3", False),
        ("bytes=0-1,3-4", False), ("bytes=5-2", False), ("bytes=10-", False), ("bytes=-", False),
        ("items=0-1", False),
    ],
)  # fmt: skip
def test_nginx_is_left_what_it_reads_alike(header: str, is_plain: bool) -> None:
    assert is_plain_range(header, 10) is is_plain
