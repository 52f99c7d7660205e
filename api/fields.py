"""Numbers and ids of queries and forms, written as the contracts write them and in no other way.

Python's own `int` and `UUID` also take `+5`, `5_0`, blanks and the digits of every script.
"""

import re
from typing import Any
from uuid import UUID

from rest_framework import serializers

from lib.path_converters import parse_uuid


class DigitsField(serializers.IntegerField):
    """A whole number in ASCII digits."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch("[0-9]{1,19}", str(data)):
            self.fail("invalid")
        return super().to_internal_value(data)


class TrueOrFalseField(serializers.BooleanField):
    """`true` or `false`."""

    def to_internal_value(self, data: Any) -> bool:
        # JSON has a type of its own for them, a query has texts.
        if not isinstance(data, bool) and data not in ("true", "false"):
            self.fail("invalid", input=data)
        return data in (True, "true")


class HyphenatedUuidField(serializers.UUIDField):
    """A UUID in its usual form, in either case."""

    def to_internal_value(self, data: Any) -> UUID:
        try:
            return parse_uuid(str(data))
        except ValueError:
            self.fail("invalid", value=data)
