"""Path parts that the doors share."""

from django.urls.converters import IntConverter


class RowId(IntConverter):
    """A key of a table: 18 digits at most, so that no database sees a number it cannot hold."""

    regex = "[0-9]{1,18}"
