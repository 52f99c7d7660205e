"""What permissions are called in the admin, in the reader's language.

Django keeps a permission's name as a column, in English.
"""

from django.contrib.auth.models import Permission
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# By how a codename begins; Django makes these four for a model.
_WORDS = {
    "add": gettext_lazy("Can add %(model)s"),
    "change": gettext_lazy("Can change %(model)s"),
    "delete": gettext_lazy("Can delete %(model)s"),
    "view": gettext_lazy("Can view %(model)s"),
}


def name_permission(permission: Permission) -> str:
    """Return what `str` does, all of it translated."""
    model = permission.content_type.model_class()
    words = _WORDS.get(permission.codename.partition("_")[0])
    if model is None or words is None:
        return f"{permission.content_type} | {_(permission.name)}"
    return f"{permission.content_type} | {words % {'model': model._meta.verbose_name}}"
