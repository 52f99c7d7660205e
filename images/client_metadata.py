"""The JSON object that a client keeps with a picture; nothing here reads it."""

import json
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

MAX_METADATA_BYTES = 4096
# What every database, language and parser takes.
_MAX_DEPTH = 32


def validate_metadata(value: Any) -> None:
    """Raise ValidationError unless a value, as JSON has it, is an object that can be kept.

    Its size counts in UTF-8, without blanks between its parts, and with numbers written out.
    """
    if not isinstance(value, dict):
        raise ValidationError("This is not a JSON object.")
    more = _require_storable(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) + more > MAX_METADATA_BYTES:
        raise ValidationError(f"The object has more than {MAX_METADATA_BYTES} bytes.")


def _require_storable(value: dict[str, Any]) -> int:
    """Raise ValidationError; return how many bytes longer numbers are than their short forms.

    PostgreSQL keeps 1e308 as 309 digits, and gives them back.
    """
    more = 0
    left: list[tuple[Any, int]] = [(value, 1)]
    while left:
        each, depth = left.pop()
        if depth > _MAX_DEPTH:
            raise ValidationError(f"The object is nested more than {_MAX_DEPTH} deep.")
        if isinstance(each, str) and "\0" in each:
            raise ValidationError("Null characters are not allowed.")
        if isinstance(each, float):
            more += len(f"{Decimal(repr(each)):f}") - len(repr(each))
        if isinstance(each, dict):
            left += [(inner, depth + 1) for inner in (*each.keys(), *each.values())]
        elif isinstance(each, list):
            left += [(inner, depth + 1) for inner in each]
    return more
