"""The OpenAPI document as generated, and its schemas as a JSON Schema validator reads them."""

from copy import deepcopy
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator


def generated_document() -> dict[str, Any]:
    """Return the document, generated once in each process: it takes a second."""
    return deepcopy(_generate())


@cache
def _generate() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return made


def with_null(part: Any) -> Any:
    """Return a part of the document in which `nullable`, of OpenAPI 3.0 alone, is a type.

    Only types are nullable here, and enumerations of them.
    """
    if isinstance(part, list):
        return [with_null(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: with_null(each) for name, each in part.items()}
    if made.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made
