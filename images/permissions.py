"""Which of Django's permissions reach other people's pictures, at every contract and the admin."""

from enum import StrEnum

from django.db.models import QuerySet

from accounts.models import User
from accounts.permissions import staff_may, staff_with


class PicturePermission(StrEnum):
    """What staff may do with other people's pictures."""

    VIEW = "images.view_picture"
    CHANGE = "images.change_picture"
    DELETE = "images.delete_picture"
    UPLOAD = "images.add_picture"
    LINK = "images.add_link"


# Whoever changes pictures sees them too, as in Django's admin.
_GIVEN_BY = {
    PicturePermission.VIEW: (PicturePermission.VIEW, PicturePermission.CHANGE),
}


def reaches_others(account: User, permission: PicturePermission) -> bool:
    """Return whether an account's permissions reach the pictures of others; see `staff_may`."""
    given_by = _GIVEN_BY.get(permission, (permission,))
    return any(staff_may(account, each) for each in given_by)


def accounts_that_reach_others(permission: PicturePermission) -> QuerySet[User]:
    """Return the accounts of which `reaches_others` holds, as one query."""
    found = User.objects.none()
    for each in _GIVEN_BY.get(permission, (permission,)):
        found = found | staff_with(each)
    return found
