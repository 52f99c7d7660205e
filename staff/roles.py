"""Ready roles, and what permissions let staff do, in people's words.

The two roles are made after the migrations, since Django makes the permissions only then, and each
once: whatever superusers change, rename or delete afterwards stays so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from accounts.permission_names import name_permission

_Text = Any  # a text that is translated when it is shown


@dataclass(frozen=True, slots=True)
class ReadyRole:
    """A role that every installation begins with; `permissions` are `app_label.codename`."""

    name: str
    purpose: _Text
    permissions: tuple[str, ...]


SUPPORT = ReadyRole(
    "Support",
    _("Helps people with their accounts, and sees no more pictures than anybody."),
    (
        "accounts.view_user",
        "accounts.change_user",
        "accounts.view_session",
        "accounts.change_session",
        "accounts.view_invitation",
        "accounts.add_invitation",
        "accounts.change_invitation",
        "accounts.view_securityevent",
        "tiers.view_tier",
    ),
)
# What `images.0006_moderation_role` made of it.
_MODERATION_OF_BEFORE = {
    "images.view_picture",
    "images.change_picture",
    "images.delete_picture",
    "images.add_picture",
    "images.add_link",
}
MODERATION = ReadyRole(
    "Moderation",
    _("Looks after other people's pictures and links, and sees no account."),
    (
        "images.view_picture",
        "images.change_picture",
        "images.delete_picture",
        "images.add_picture",
        "images.add_link",
        "images.view_link",
        "images.change_link",
    ),
)
READY_ROLES = (SUPPORT, MODERATION)

# What a permission lets staff do. Those that are not here do nothing.
WORDS: dict[str, _Text] = {
    "accounts.view_user": _("sees accounts: login, name, address, tier and what is stored"),
    "accounts.add_user": _("makes accounts, where it may change them too"),
    "accounts.change_user": _(
        "changes accounts that may do no more than oneself: name, address, tier, password; ends "
        "their sessions; makes and revokes links to reset a password"
    ),
    "accounts.delete_user": _(
        "deletes accounts; those with pictures only where it may delete pictures"
    ),
    "accounts.view_session": _("sees who is signed in, and from where"),
    "accounts.change_session": _("sees who is signed in, and ends sessions"),
    "accounts.view_invitation": _("sees invitations, without their links"),
    "accounts.add_invitation": _("makes invitations"),
    "accounts.change_invitation": _("sees and revokes invitations"),
    "accounts.view_securityevent": _("reads the security log"),
    "accounts.change_securityevent": _("reads the security log, which nobody changes"),
    "tiers.view_tier": _("sees tiers"),
    "tiers.add_tier": _("makes tiers"),
    "tiers.change_tier": _("changes tiers, for all their accounts"),
    "tiers.delete_tier": _("deletes tiers"),
    "images.view_picture": _(
        "sees other people's pictures at every contract, and gets their originals without metadata"
    ),
    "images.change_picture": _(
        "sees and changes other people's pictures at every contract, and gets their originals as "
        "they were uploaded, with the file's name"
    ),
    "images.delete_picture": _("deletes other people's pictures, and empties accounts"),
    "images.add_picture": _("uploads pictures for other accounts"),
    "images.view_link": _("sees links, without their addresses"),
    "images.change_link": _("sees and revokes links"),
    "images.delete_link": _("deletes links"),
    "images.add_link": _("makes links to other people's pictures"),
}


def make_ready_roles(using: str = "default", apps: Apps = installed_apps, **kwargs: Any) -> None:
    """Make each ready role that was never made; called after every `migrate`."""
    try:
        made_once = apps.get_model("staff", "MadeRole").objects.using(using)
        groups = apps.get_model("auth", "Group").objects.using(using)
        permissions = apps.get_model("auth", "Permission").objects.using(using)
    except LookupError:  # migrated back to before there were any
        return
    for app_label in ("accounts", "tiers", "images"):
        config = installed_apps.get_app_config(app_label)
        create_permissions(config, verbosity=0, using=using, apps=apps)
    for role in READY_ROLES:
        found = _find(permissions, role.permissions)
        if len(found) < len(role.permissions):  # migrated back to before some
            continue
        with transaction.atomic(using=using):
            if made_once.get_or_create(name=role.name)[1]:
                group, is_new = groups.get_or_create(name=role.name)
                if is_new or _is_untouched(group):
                    group.permissions.set(found)


def _is_untouched(group: Any) -> bool:
    """Return whether a group is as a migration left it a moment ago, or as nobody ever used it."""
    named = group.permissions.values_list("content_type__app_label", "codename")
    is_as_made = {".".join(each) for each in named} == _MODERATION_OF_BEFORE
    return group.name == MODERATION.name and is_as_made and not group.user_set.exists()


def _find(permissions: Any, names: Iterable[str]) -> list[Any]:
    pairs = [name.split(".") for name in names]
    wanted = [Q(content_type__app_label=label, codename=codename) for label, codename in pairs]
    return list(permissions.filter(reduce(or_, wanted)))


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role as it is now: what it lets people do, and how many have it."""

    name: str
    purpose: _Text
    may: list[_Text]
    # By Django's name: they open nothing here.
    without_effect: list[str] = field(default_factory=list)
    members: int = 0


def describe_roles() -> list[RoleFacts]:
    """Return every role, by its name; as many queries however many there are."""
    purposes = {role.name: role.purpose for role in READY_ROLES}
    groups = Group.objects.annotate(members=Count("user")).order_by("name")
    return [
        RoleFacts(
            name=group.name,
            purpose=purposes.get(group.name, ""),
            may=[WORDS[name] for name in WORDS if name in names],
            without_effect=[
                name_permission(each) for name, each in names.items() if name not in WORDS
            ],
            members=group.members,
        )
        for group in groups.prefetch_related("permissions__content_type")
        for names in [_named(group.permissions.all())]
    ]


def _named(permissions: Iterable[Permission]) -> dict[str, Permission]:
    return {f"{each.content_type.app_label}.{each.codename}": each for each in permissions}
