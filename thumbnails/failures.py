"""Why pictures failed, in the language of whoever reads it: rows say it in English."""

from django.utils.translation import gettext, gettext_noop

REASONS = frozenset(
    {
        gettext_noop("Its file is missing."),
        gettext_noop("It stopped the renderer each time it was tried."),
        gettext_noop("The picture cannot be decoded."),
        gettext_noop("The picture is too costly to decode."),
    }
)


def describe_failure(reason: str) -> str:
    """Return a reason as people read it; one that is not known stays as it is."""
    return gettext(reason) if reason in REASONS else reason
