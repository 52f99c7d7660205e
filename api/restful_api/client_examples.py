"""The programs of `docs/clients.md`, for the page that shows the documentation of the API."""

import re
from dataclasses import dataclass
from functools import cache

from django.conf import settings

_PROGRAM = re.compile(r"^## ([^\n]+)$.*?^```\w+$\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ClientExample:
    """A program that does the main job, in the language that its title names."""

    title: str
    program: str


@cache
def client_examples() -> list[ClientExample]:
    """Return the programs in the page's order."""
    page = (settings.BASE_DIR / "docs" / "clients.md").read_text(encoding="utf-8")
    return [ClientExample(title, program) for title, program in _PROGRAM.findall(page)]
