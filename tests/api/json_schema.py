"""The OpenAPI document's schemas as a JSON Schema validator reads them."""

from typing import Any


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
