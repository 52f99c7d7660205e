"""What the command prints: progress, and one line for the reason it cannot go on."""

import sys


class Refusal(Exception):
    """The command cannot do what was asked; the text is the one line to show."""


def say(text: str) -> None:
    """Print at once, also when the output is a file or a pipe."""
    print(text, flush=True)


def complain(text: str) -> None:
    print(f"dev: {text}", file=sys.stderr, flush=True)
