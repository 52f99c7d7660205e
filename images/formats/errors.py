"""How a file's structure turns out to be broken."""


class BrokenStructure(Exception):
    """The structure of a file cannot be followed to its end."""


def require(condition: bool, problem: str) -> None:  # noqa: FBT001 (reads as an assertion)
    """Raise BrokenStructure unless the condition holds."""
    if not condition:
        raise BrokenStructure(problem)
