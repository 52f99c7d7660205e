"""Accounts that staff delete: closed at once and removed by the worker, as by their owners."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from accounts.models import User
from images.admin import MeteredUserAdmin
from images.ledger import rows_of
from images.models import Picture
from lib.naming import name_first
from upkeep.closed_accounts import close_as_staff

admin.site.unregister(User)


@admin.register(User)
class ClosableUserAdmin(MeteredUserAdmin):
    """Accounts without those that are being removed."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).filter(removal_due_at=None)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the first accounts, and count pictures by their ledger, however many there are."""
        users = list(objs)
        pictures = sum(each.pictures for each in rows_of([user.pk for user in users]).values())
        counts = {
            capfirst(User._meta.verbose_name_plural): len(users),
            capfirst(Picture._meta.verbose_name_plural): pictures,
        }
        forbidden = set()
        if not all(self.has_delete_permission(request, each) for each in users):
            forbidden.add(str(User._meta.verbose_name))
        if pictures and not self.admin_site._registry[Picture].has_delete_permission(request):
            forbidden.add(str(Picture._meta.verbose_name))
        return name_first(users), counts, forbidden, []

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        close_as_staff(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            close_as_staff(user)
