"""The admin's pages for accounts and sessions."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.forms import UserAddForm, UserForm
from accounts.models import Session, SessionQuerySet, User
from accounts.services import delete_account, end_every_session
from accounts.signals import tier_changed
from tiers.models import DEFAULT_TIER_NAME, Tier

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    """An account with its tier; its sessions are a click away."""

    form = UserForm
    add_form = UserAddForm
    list_display = ["username", "name", "tier", "is_active", "is_staff", "date_joined"]
    list_filter = ["tier", "is_active", "is_staff"]
    list_select_related = ["tier"]
    search_fields = ["username_key__startswith", "email__istartswith"]
    search_help_text = "The beginning of a login or an email address."
    ordering = ["-date_joined", "id"]
    readonly_fields = ["id", "date_joined", "last_login", "sessions"]
    filter_horizontal = ["user_permissions"]
    actions = ["end_every_session"]
    fieldsets = [
        (None, {"fields": ["username", "password", "name", "email", "tier"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser", "user_permissions"]}),
        ("Facts", {"fields": ["id", "date_joined", "last_login", "sessions"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "password1", "password2", "name", "email", "tier"]}),
    ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Suggest the default tier for a new account."""
        return {"tier": Tier.objects.filter(name=DEFAULT_TIER_NAME).first()}

    @admin.display(description="sessions")
    def sessions(self, user: User) -> str:
        live = Session.objects.live().filter(user=user).count()
        url = reverse("admin:accounts_session_changelist")
        return format_html('<a href="{}?user__id__exact={}">{} live</a>', url, user.pk, live)

    @admin.action(description="End all sessions")
    def end_every_session(self, request: HttpRequest, users: QuerySet[User]) -> None:
        ended = sum(map(end_every_session, users))
        self.message_user(request, f"{ended} sessions ended.")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Save what was changed alone: the password, above all, may have changed meanwhile.

        Announce a new tier, and end the sessions of a disabled account, in the same commit.
        """
        if change:
            obj.save(update_fields=[*_columns(form.changed_data), "username_key"])
        else:
            super().save_model(request, obj, form, change)
        if change and "tier" in form.changed_data:
            tier_changed.send(sender=User, user=obj)
        if change and not obj.is_active:
            end_every_session(obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let sessions be deleted with their account, although none may be deleted by itself."""
        names, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        return names, counts, forbidden - {str(Session._meta.verbose_name)}, protected

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """End the sessions first, so that peers are told."""
        delete_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End the sessions first, so that peers are told."""
        for user in queryset:
            delete_account(user)


def _columns(names: list[str]) -> list[str]:
    """Return the fields that are columns of an account's row; the others have tables."""
    columns = {field.name for field in User._meta.concrete_fields}
    return [name for name in names if name in columns]


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin[Session]):
    """Who is signed in, and from where; sessions are ended here, never edited."""

    list_display = ["user", "scheme", "created_at", "last_used_at", "address", "agent", "is_live"]
    list_filter = ["scheme", ("ended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["user__username_key__startswith"]
    search_help_text = "The beginning of a login."
    ordering = ["-created_at", "id"]
    actions = ["end"]
    fields = [
        "user", "scheme", "created_at", "last_used_at", "expires_at", "ended_at", "address", "agent"
    ]  # fmt: skip

    @admin.display(boolean=True, description="live")
    def is_live(self, session: Session) -> bool:
        return session.is_live(timezone.now())

    @admin.action(description="End the chosen sessions")
    def end(self, request: HttpRequest, sessions: SessionQuerySet) -> None:
        self.message_user(request, f"{sessions.end()} sessions ended.")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the link from an account's page, which filters by account."""
        return lookup == "user__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Show the list, with its action, but no form to change a session."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Refuse: a deleted row would end a session without telling peers and sockets."""
        return False
