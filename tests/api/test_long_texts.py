"""Bodies with long texts are read as Python's own parsers read them."""

import io
import json
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from api import long_texts
from api.long_texts import LongText
from api.parsers import FormParser, PictureFormParser, PictureJsonParser, parse_json

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
# Short ones, so that many a generated text is long.
LONG, CHUNK = 7, 11


class ShortReads(io.BytesIO):
    """Gives a few bytes at a time, whatever it is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(CHUNK, size or CHUNK) if size != -1 else -1)


@pytest.fixture(autouse=True)
def _short_texts_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_texts, "MAX_IN_MEMORY", LONG)


def read(parser: type[BaseParser], body: bytes, content_type: str, field: str = "data") -> Any:
    """Return what a view gets, texts whole; None for what is refused."""
    with ExitStack() as resources:
        view = SimpleNamespace(picture_field=field, resources=resources)
        request = SimpleNamespace(META={"CONTENT_LENGTH": str(len(body))})
        context = {"view": view, "request": request}
        try:
            value = parser().parse(ShortReads(body), content_type, context)
        except ParseError:
            return None
        if isinstance(value, QueryDict):
            return {name: [whole(text) for text in texts] for name, texts in value.lists()}
        if isinstance(value, dict) and isinstance(text := value.get(field), LongText):
            value[field] = "".join(text.pieces())
            assert len(text) == len(value[field])
        return value


def expected(body: bytes, content_type: str = JSON) -> Any:
    """Return what Python's parser makes of it, where texts of no picture are cut."""
    try:
        value = parse_json(body, content_type)
    except ParseError:
        return None
    if isinstance(value, dict):
        for name, each in value.items():
            if name != "data" and isinstance(each, str) and len(json.dumps(each)) - 2 > LONG:
                value[name] = each[: LONG + 1]
    return value


TEXTS = st.text(max_size=40) | st.text(alphabet='A+/=\\"\n \u00e9\U0001f600', max_size=40)
VALUES = TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none()
OBJECTS = st.dictionaries(st.sampled_from(["data", "note", "x"]), VALUES, max_size=3)


@given(OBJECTS, st.booleans(), st.sampled_from(["", "utf-8", "utf-16", "utf-8-sig"]))
def test_what_json_can_say_is_read_in_any_order_charset_and_spelling(
    value: dict[str, Any], ascii_alone: bool, charset: str
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_alone).encode(charset or "utf-8")
    content_type = f"{JSON}; charset=utf-16" if charset == "utf-16" else JSON
    given = read(PictureJsonParser, body, content_type)
    assert given["data"] == value["data"] if "data" in value else "data" not in given
    assert set(given) == set(value)
    for name in set(value) - {"data"}:
        is_text = isinstance(value[name], str)
        assert given[name] == (value[name][: len(given[name])] if is_text else value[name])


BROKEN = [
    b'{"data":"AAAAAAAAAAAA', b'{"data":"AAAAAAAAA\\', b'{"data":"AAAAAAAAAAAAAA\\u12',
    b'{"data":"AAAAAAAAAAA\\q"}', b'{"data":"AAAAAAAAAAAAA\\uZZZZ"}',
    b'{"data":"AAAAAAAAA\nAAAAA"}',
    b'{"data":"AAAAAAAAAA\\ud83d"}', b'{"data":"AAAAAAAAAA\\ude00AAAA"}', b'{"data":NaN}', b"",
    b'{"data":"AAAAAAAAAAAAA\xff"}', b'{"data":"AAAAAAAAAAAAAAAAAAAA"}}',
    b'{"data" "AAAAAAAAAAAAA"}',
    b'"AAAAAAAAAAAAAAAAAAAAAAAA', b'{"data":"AAAAAAAA\\ud83d\\ud83d\\ude00"}',
    b'[1e999,"AAAAAAAAAAAA"]',
]  # fmt: skip


@pytest.mark.unhurried
@pytest.mark.parametrize("body", BROKEN)
def test_what_is_no_json_is_refused_as_before(body: bytes) -> None:
    assert read(PictureJsonParser, body, JSON) is expected(body) is None


READ = [
    b'{"data":"first first first","data":"the last one counts"}',
    b'{"data":"AAAAAAAAAA\\/AAAAA\\u002bAAAAAAAAA\\u00e9\\ud83d\\ude00A"}',
    b'\xef\xbb\xbf{"note":"something long", "data":"AAAAAAAAAAAAAAAA"}',
    b'{"data":"\\\\\\\\\\\\\\\\\\\\\\\\\\"","x":1}',
    b'{"a key that is long":{"data":1},"data":"\\ud83d\\ude00\\ud83d\\ude00\\ud83d\\ude00"}',
    b'"a text alone"', b'{"data":""}', b' {"data" : "AAAAAAAAAAAAAAAAAAAA" } \n',
]  # fmt: skip


@pytest.mark.parametrize("body", READ)
def test_what_is_json_is_read_as_before(body: bytes) -> None:
    value, before = read(PictureJsonParser, body, JSON), expected(body)
    if isinstance(before, dict):
        assert value.get("data") == before.get("data")
        assert len(value) == len(before)
    else:
        assert isinstance(value, str)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0dA8', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_as_before(body: bytes) -> None:
    value, before = read(PictureJsonParser, body, JSON), expected(body)
    assert (value is None) == (before is None)


@given(st.lists(st.tuples(st.sampled_from(["data", "x", ""]), TEXTS), max_size=4))
def test_a_form_is_read_as_one_that_stands_in_memory(fields: list[tuple[str, str]]) -> None:
    body = urlencode(fields).encode()
    value, before = read(PictureFormParser, body, FORM), read(FormParser, body, FORM)
    assert list(value) == list(before)
    assert value.get("data") == before.get("data")
    for text, short in zip(before.get("x", []), value.get("x", []), strict=True):
        assert text[: LONG + 1] == short[: LONG + 1]


def whole(text: str | LongText) -> str:
    return text if isinstance(text, str) else "".join(text.pieces())
