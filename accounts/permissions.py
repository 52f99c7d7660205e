"""Django's permissions, which give staff what their accounts alone do not."""

from django.contrib.auth.backends import ModelBackend
from django.db.models import Q, QuerySet

from accounts.models import User


def staff_may(user: User, permission: str) -> bool:
    """Return whether an account is of staff and has a permission (`app_label.codename`).

    Superusers have all. The answer takes two queries for the first permission of an instance of
    other staff, and none for anybody else: what is granted to an account without `is_staff` rests.
    """
    if user.is_superuser:
        return user.is_active
    return user.is_staff and user.has_perm(permission)


def staff_with(permission: str) -> QuerySet[User]:
    """Return the accounts of which `staff_may` holds, as one query."""
    holders: QuerySet[User] = ModelBackend().with_perm(permission)
    return holders.filter(Q(is_staff=True) | Q(is_superuser=True))
