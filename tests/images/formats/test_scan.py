"""Scans of a file's structure."""

from images.formats.scan import jpeg_segments, next_marker

_LONG = 300 * 1024


def test_what_was_found_in_one_file_is_not_taken_for_another() -> None:
    """A way that is long is gone once, and known from then on."""
    early, late = (b"\xff\xd8" + bytes(_LONG + more) + b"\xff\xd9" for more in (0, 9))
    none = bytes(2 * _LONG)
    for _ in range(2):
        assert next_marker(early, 2) == (_LONG + 2, _LONG + 4)
        assert next_marker(early, 2) == (_LONG + 2, _LONG + 4)
        assert next_marker(late, 2) == (_LONG + 11, _LONG + 13)
        assert next_marker(none, 2) is None
        assert next_marker(none, 2) is None
        assert next_marker(early, 3) == (_LONG + 2, _LONG + 4)


def test_a_file_may_be_taken_to_end_earlier() -> None:
    """As if it were cut off there, without a copy of it."""
    segments = b"\xff\xdb\0\4ab" + b"\xff\xc0\0\3c" + b"\xff\xda\0\2" + bytes(9) + b"\xff\xd9"
    data = b"\xff\xd8" + segments + b"\xff\xe1\0\2"
    for end in range(2, len(data) + 1):
        assert list(jpeg_segments(data, end)) == list(jpeg_segments(data[:end]))
        for position in range(end):
            assert next_marker(data, position, end) == next_marker(data[:end], position)
