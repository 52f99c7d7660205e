"""The plain data that a decoder answers with, taken apart as if a stranger had sent it.

Each function returns a value of the type and within the bounds that are asked for, or raises
Malformed: whoever took over a decoder chooses what it answers.
"""

import re
from typing import Any

NAME = re.compile(r"[a-z_]{1,20}")
# What a person is told about a file: ASCII without the characters that begin markup.
SENTENCE = re.compile(r"[A-Za-z0-9 .,;:'()/_-]{1,200}")
# What a piece of metadata is called, by its standard or in a file.
NAME_OF_METADATA = re.compile(r"[A-Za-z0-9 .:_/()-]{1,60}")
# Why something does not work, as the system says it.
REASON = re.compile(r"[\x20-\x7e]{0,200}")


class Malformed(Exception):
    """A reply is not of the shape that its operation promises."""


def record(value: object, *names: str) -> dict[str, Any]:
    """Return an object that has these members and no others."""
    if not isinstance(value, dict) or value.keys() != set(names):
        raise Malformed("an object of other members")
    return value


def items(value: object, count: int) -> list[Any]:
    """Return a list of so many values."""
    if not isinstance(value, list) or len(value) != count:
        raise Malformed("a list of another length")
    return value


def some_items(value: object, most: int) -> list[Any]:
    """Return a list of so many values at most."""
    if not isinstance(value, list) or len(value) > most:
        raise Malformed("a list that is too long")
    return value


def integer(value: object, lowest: int, highest: int) -> int:
    """Return a whole number from `lowest` to `highest`, both included."""
    if type(value) is not int or not lowest <= value <= highest:
        raise Malformed("a number out of bounds")
    return value


def number(value: object, lowest: float, highest: float) -> float:
    """Return a number from `lowest` to `highest`, both included."""
    if type(value) not in {int, float} or not lowest <= value <= highest:  # type: ignore[operator]  # a number by now
        raise Malformed("a number out of bounds")
    return float(value)  # type: ignore[arg-type]  # likewise


def boolean(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise Malformed("neither true nor false")
    return value


def text(value: object, pattern: re.Pattern[str]) -> str:
    """Return a text that matches from its beginning to its end."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Malformed("another text")
    return value
