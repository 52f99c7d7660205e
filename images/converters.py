"""Path parts that name accounts and pictures."""

from django.urls.converters import UUIDConverter


class AnyCaseUuid(UUIDConverter):
    """A UUID in either case: some clients write theirs in capitals (RFC 9562, section 4)."""

    regex = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
