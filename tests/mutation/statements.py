"""Changes of SQL that a module writes out, since no other mutant reaches into a text."""

import re
from collections.abc import Iterator

_IS_SQL = re.compile(r"\s*(select|insert|update|delete)\s", re.IGNORECASE)
# A condition ends before the next one, its line, or the bracket around it.
_CONDITION = re.compile(
    r"\b(where|and|on) ((?:[^()\n]|\((?:[^()]|\([^()]*\))*\))+?)"
    r"(?= and | order by | limit | returning |\n|\)|\Z)",
    re.IGNORECASE,
)
_OPPOSITES = [
    (r"<=", "<"), (r"(?<!<)<(?![=>])", "<="), (r">=", ">"), (r"(?<![<>])>(?!=)", ">="),
    (r"\+ 1\b", "- 1"), (r"- 1\b", "+ 1"), (r"\bis not null\b", "is null"),
    (r"\bis null\b", "is not null"), (r"\btrue\b", "false"), (r"\bdesc\b", "asc"),
]  # fmt: skip


def is_statement(text: str) -> bool:
    return _IS_SQL.match(text) is not None


def change_statement(text: str) -> Iterator[tuple[str, str]]:
    """Yield what is changed of a statement, and the statement with that one change.

    A condition is made to be always true, so that its parameters stay.
    """
    for found in _CONDITION.finditer(text):
        word, condition = found.groups()
        if not condition.startswith("conflict"):
            always = f"{word} ({condition} or 1 = 1)"
            yield f"{found[0]}  →  {always}", _put(text, found, always)
    for pattern, other in _OPPOSITES:
        for found in re.finditer(pattern, text, re.IGNORECASE):
            around = text[max(0, found.start() - 30) : found.end() + 30]
            yield f"{' '.join(around.split())}  →  {other}", _put(text, found, other)


def _put(text: str, found: re.Match[str], other: str) -> str:
    return text[: found.start()] + other + text[found.end() :]
