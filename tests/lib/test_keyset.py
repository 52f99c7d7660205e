"""Keysets and their cursors."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.keyset import Cursor

moments = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1))  # noqa: DTZ001 (hypothesis adds the zone)


@given(moments, st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_is_read_as_it_was_written(moment: datetime, row_id: int) -> None:
    cursor = Cursor(moment.replace(tzinfo=UTC), row_id)
    assert Cursor.decode(cursor.encode()) == cursor


@given(st.text(max_size=60))
def test_no_text_raises_another_error_than_value_error(text: str) -> None:
    try:
        Cursor.decode(text)
    except ValueError:
        return


@pytest.mark.parametrize("text", ["", "x", "é", "AAAA", "A" * 23, "/" * 22])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ursor"):
        Cursor.decode(text)
