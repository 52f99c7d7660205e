"""The one way in which cleaning fails."""


class CleaningFailed(Exception):
    """A picture that cannot be cleaned for certain; its bytes must not leave."""


def require(claim: bool, what: str) -> None:  # noqa: FBT001 (reads as an assertion)
    """Raise CleaningFailed unless the claim holds."""
    if not claim:
        raise CleaningFailed(what)
