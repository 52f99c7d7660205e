"""How users are found and made."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager

from accounts.names import folded
from lib.compiled_query import RowBy
from tiers.models import DEFAULT_TIER_NAME, Tier

if TYPE_CHECKING:
    from accounts.models import User


class UserManager(BaseUserManager["User"]):
    """Finds a login in any case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the account of a login; raises User.DoesNotExist."""
        return self._by_key.get(folded(username or ""))

    @cached_property
    def _by_key(self) -> RowBy[User]:
        return RowBy(partial(self.select_related, "tier"), "username_key")

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Make an account with a hashed password; the database refuses a login that is taken.

        Its tier is the default one unless given; raises Tier.DoesNotExist where staff removed that.
        """
        if "tier" not in fields:
            fields["tier"] = Tier.objects.get(name=DEFAULT_TIER_NAME)
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> User:
        """Make an account that may do everything."""
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)
