"""The admin's pages for accounts and sessions."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.addresses import mark_unverified, save_new_email
from accounts.exceptions import TooManyAttempts
from accounts.finding import AccountFilter, search_by_account
from accounts.forms import InvitationForm, UserAddForm, UserForm
from accounts.granted_rights import describe_grants
from accounts.history import write_history
from accounts.invitations import invitation_url, revoke_invitations
from accounts.models import (
    Invitation,
    InvitationQuerySet,
    SecurityEvent,
    Session,
    SessionQuerySet,
    User,
)
from accounts.password_reset import make_reset_url, revoke_reset_urls
from accounts.permission_names import name_permission
from accounts.scopes import ALL_SCOPES, Scope
from accounts.second_factor import count_recovery_codes, find_app, remove_factor
from accounts.security_log_page import log_context
from accounts.services import end_every_session
from accounts.signals import tier_changed
from tiers.models import DEFAULT_TIER_NAME, Tier

admin.site.unregister(Group)
# They show secrets: whoever sees one signs in with it. An account's page says what it has.
for _device in (TOTPDevice, StaticDevice):
    admin.site.unregister(_device)
# Of one action: the links stand in messages.
MAX_RESET_LINKS = 20
# What superusers alone give.
_RIGHTS = ["is_staff", "is_superuser", "groups", "user_permissions"]


def is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_active and request.user.is_superuser


def acting_user(request: HttpRequest) -> User:
    """Return who is signed in to the admin."""
    if not isinstance(request.user, User):
        raise TypeError("A page of the admin must be closed.")
    return request.user


def may_administer(request: HttpRequest, account: User | None) -> bool:
    """Return whether somebody may change an account, its password and its sessions.

    Nobody but superusers touches the account of a superuser, or of staff who may do more: whoever
    sets a password can sign in with it. None stands for accounts in general.
    """
    if account is None or is_superuser(request):
        return True
    if account.is_superuser or not isinstance(request.user, User):
        return False
    return not account.is_staff or _permissions_of(account) <= _permissions_of(request.user)


def _permissions_of(account: User) -> set[int]:
    """Return what an account may do, also while it is disabled: it can be enabled again."""
    given = Permission.objects.filter(Q(user=account) | Q(group__user=account))
    return set(given.values_list("pk", flat=True))


def _write_link_to_roles() -> str:
    return format_html('<a href="{}">{}</a>', reverse("admin:roles"), _("What each role may do"))


_link_to_roles = lazy(_write_link_to_roles, str)


class GrantsAdmin(admin.ModelAdmin[Any]):
    """Pages on which superusers give rights and take them: the history says which."""

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        """Call permissions by their names in the reader's language."""
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[arg-type]  # GroupAdmin's has a default
        if field is not None and db_field.remote_field.model is Permission:
            field.label_from_instance = name_permission
        return field

    def construct_change_message(
        self,
        request: HttpRequest,
        form: Any,
        formsets: Any,
        add: bool = False,  # noqa: FBT001, FBT002 (Django's signature)
    ) -> list[dict[str, Any]]:
        """Name each right beside the fields that have changed."""
        message = super().construct_change_message(request, form, formsets, add)
        return [*message, *describe_grants(form)]


@admin.register(Group)
class RoleAdmin(GrantsAdmin, GroupAdmin):
    """Roles: permissions that accounts have together. For superusers alone."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return is_superuser(request)


@admin.register(User)
class UserAdmin(GrantsAdmin, DjangoUserAdmin[User]):
    """An account with its tier; its sessions are a click away.

    `upkeep.admin` deletes accounts, and registers these pages.
    """

    form = UserForm
    add_form = UserAddForm
    list_display = ["username", "name", "tier", "is_active", "is_staff", "date_joined"]
    list_filter = ["tier", "is_active", "is_staff"]
    list_select_related = ["tier"]
    search_fields = ["username_key__startswith", "email__istartswith"]
    search_help_text = _("The beginning of a login or an email address.")
    date_hierarchy = "date_joined"
    ordering = ["-date_joined", "id"]
    readonly_fields = ["id", "date_joined", "last_login", "sessions", "second_factor"]
    filter_horizontal = ["groups", "user_permissions"]
    actions = [
        "end_every_session", "make_reset_links", "revoke_reset_links", "reset_second_factor"
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["username", "password", "name", "email", "tier"]}),
        (
            _("May"),
            {"fields": ["is_active", *_RIGHTS], "description": _link_to_roles()},
        ),
        (
            _("Facts"),
            {"fields": ["id", "date_joined", "last_login", "sessions", "second_factor"]},
        ),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "password1", "password2", "name", "email", "tier"]}),
    ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Suggest the default tier for a new account."""
        return {"tier": Tier.objects.filter(name=DEFAULT_TIER_NAME).first()}

    @admin.display(description=_("sessions"))
    def sessions(self, user: User) -> str:
        live = Session.objects.live().filter(user=user).count()
        url = reverse("admin:accounts_session_changelist")
        text = ngettext("%d live session", "%d live sessions", live) % live
        return format_html('<a href="{}?user__id__exact={}">{}</a>', url, user.pk, text)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Let superusers alone say who is staff and what staff may do."""
        shown = [str(each) for each in super().get_readonly_fields(request, obj)]
        return shown if is_superuser(request) else [*shown, *_RIGHTS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Leave accounts alone that may do more than oneself; their passwords too."""
        return super().has_change_permission(request, obj) and may_administer(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and may_administer(request, obj)

    @admin.display(description=_("second factor"))
    def second_factor(self, user: User) -> str:
        app = find_app(user)
        if app is None:
            return str(_("none"))
        added, left = date_format(app.created_at), count_recovery_codes(user)
        return _("an app since %(day)s, %(left)d recovery codes") % {"day": added, "left": left}

    @admin.action(description=_("End all sessions"), permissions=["change"])
    def end_every_session(self, request: HttpRequest, users: QuerySet[User]) -> None:
        within = [user for user in users if may_administer(request, user)]
        ended = sum(end_every_session(user) for user in within)
        write_history(acting_user(request), within, gettext_noop("Ended all sessions."))
        self.message_user(request, _say_ended(ended))

    @admin.action(description=_("Make links to reset the password"), permissions=["change"])
    def make_reset_links(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Show a link for each account that is open, to be passed on by staff."""
        chosen = [
            user
            for user in users[:MAX_RESET_LINKS]
            if user.is_active and may_administer(request, user)
        ]
        for user in chosen:
            self.message_user(request, f"{user.username}: {make_reset_url(user)}")
        write_history(
            acting_user(request), chosen, gettext_noop("Made a link to reset the password.")
        )
        self.message_user(
            request, _("Each link works once, within 24 hours: give it to nobody else."), "WARNING"
        )

    @admin.action(description=_("Revoke links to reset the password"), permissions=["change"])
    def revoke_reset_links(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """End every such link of the accounts, those of mails too."""
        within = [user for user in users if may_administer(request, user)]
        for user in within:
            revoke_reset_urls(user)
        write_history(
            acting_user(request), within, gettext_noop("Revoked links to reset the password.")
        )
        text = ngettext(
            "No link made so far resets the password of %d account.",
            "No link made so far resets the passwords of %d accounts.",
            len(within),
        )
        self.message_user(request, text % len(within))

    @admin.action(
        description=_("Reset the second factor (it is lost)"), permissions=["administer_rights"]
    )
    def reset_second_factor(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Let others add another app at their next sign-in; for superusers alone."""
        others = users.exclude(pk=acting_user(request).pk)
        reset = [user for user in others if remove_factor(user)]
        write_history(acting_user(request), reset, gettext_noop("Reset the second factor."))
        text = ngettext("%d second factor reset.", "%d second factors reset.", len(reset))
        self.message_user(request, text % len(reset))

    def has_administer_rights_permission(self, request: HttpRequest) -> bool:
        """Of actions with this permission; Django asks by its name."""
        return is_superuser(request)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Save what was changed alone: the password, above all, may have changed meanwhile.

        Announce a new tier, and end the sessions of a disabled account, in the same commit.
        """
        if change:
            columns = [name for name in _columns(form.changed_data) if name != "email"]
            obj.save(update_fields=[*columns, "username_key"])
        else:
            mark_unverified(obj)
            super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            self._save_email(request, obj)
        if change and "tier" in form.changed_data:
            tier_changed.send(sender=User, user_ids=[obj.pk], tier=obj.tier)
        if change and not obj.is_active:
            end_every_session(obj)

    def _save_email(self, request: HttpRequest, user: User) -> None:
        try:
            save_new_email(user)
        except TooManyAttempts:
            text = _("The address is saved; no more mails are sent to it within this hour.")
            self.message_user(request, text, "WARNING")


def _say_ended(count: int) -> str:
    return ngettext("%d session ended.", "%d sessions ended.", count) % count


def _columns(names: list[str]) -> list[str]:
    """Return the fields that are columns of an account's row; the others have tables."""
    columns = {field.name for field in User._meta.concrete_fields}
    return [name for name in names if name in columns]


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin[Session]):
    """Who is signed in, and from where; sessions are ended here, never edited."""

    list_display = [
        "user", "scheme", "name", "may", "created_at", "last_used_at", "address", "agent",
        "is_live", "with_factor",
    ]  # fmt: skip
    list_filter = [AccountFilter, "scheme", ("ended_at", admin.EmptyFieldListFilter)]
    readonly_fields = ["may", "with_factor"]
    # From an account's page.
    linked_lookups = ("user__id__exact",)
    is_deleted_with_its_owner = True
    list_select_related = ["user"]
    search_fields = ["user__username_key__startswith"]
    search_help_text = _("The beginning of a login.")
    date_hierarchy = "created_at"
    ordering = ["-created_at", "id"]
    actions = ["end"]
    fields = [
        "user", "scheme", "name", "may", "created_at", "last_used_at", "expires_at", "ended_at",
        "address", "agent", "with_factor",
    ]  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        return search_by_account(queryset, search_term, field="user"), False

    @admin.display(description=_("scopes"))
    def may(self, session: Session) -> str:
        if session.granted_scopes == ALL_SCOPES:
            return str(_("all"))
        return ", ".join(each.value for each in Scope if each in session.granted_scopes)

    @admin.display(boolean=True, description=_("second factor"))
    def with_factor(self, session: Session) -> bool:
        return session.second_factor_at is not None

    @admin.display(boolean=True, description=_("live"))
    def is_live(self, session: Session) -> bool:
        return session.is_live(timezone.now())

    @admin.action(description=_("End the chosen sessions"), permissions=["change"])
    def end(self, request: HttpRequest, sessions: SessionQuerySet) -> None:
        owners = {each.user for each in sessions.select_related("user")}
        within = [user for user in owners if may_administer(request, user)]
        ending = sessions.filter(user__in=within)
        rows = list(ending.filter(ended_at=None))
        ended = ending.end()
        write_history(acting_user(request), rows, gettext_noop("Ended."))
        self.message_user(request, _say_ended(ended))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Show the list, with its action, but no form to change a session."""
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Refuse: a deleted row would end a session without telling peers and sockets."""
        return False


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin[Invitation]):
    """Invitations: made here, and shown with their link while they are open."""

    form = InvitationForm
    list_display = ["__str__", "tier", "expires_at", "state", "account", "maker", "created_at"]
    is_deleted_with_its_owner = True
    list_filter = ["tier", ("accepted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["tier", "account", "maker"]
    search_fields = ["note__icontains"]
    search_help_text = _("A part of the note.")
    ordering = ["-created_at", "id"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        chosen = ["tier", "note", "expires_at"]
        if obj is None:
            return chosen
        facts = ["state", "account", "maker", "created_at", "accepted_at", *chosen]
        # The link makes an account: it is for those who may make it.
        return ["link", *facts] if self.has_add_permission(request) else facts

    def get_readonly_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        """Let nothing be changed: the link was given to somebody as it is."""
        return self.get_fields(request, obj) if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Suggest the tier of those who sign up without an invitation."""
        return {"tier": Tier.objects.filter(name=settings.SIGNUP_TIER).first()}

    @admin.display(description=_("link"))
    def link(self, invitation: Invitation) -> str:
        if not invitation.is_open(timezone.now()):
            return "–"
        url = invitation_url(invitation)
        return format_html('<input class="vLargeTextField" readonly value="{}">', url)

    @admin.display(description=_("state"))
    def state(self, invitation: Invitation) -> str:
        if invitation.accepted_at:
            return str(_("accepted"))
        if invitation.revoked_at:
            return str(_("revoked"))
        return str(_("open") if invitation.is_open(timezone.now()) else _("over"))

    @admin.action(description=_("Revoke the chosen invitations"), permissions=["change"])
    def revoke(self, request: HttpRequest, invitations: InvitationQuerySet) -> None:
        chosen = Invitation.objects.filter(pk__in=list(invitations.values_list("pk", flat=True)))
        rows = list(chosen.open())
        revoked = revoke_invitations(chosen)
        write_history(acting_user(request), rows, gettext_noop("Revoked."))
        text = ngettext("%d invitation revoked.", "%d invitations revoked.", revoked)
        self.message_user(request, text % revoked)

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        obj.maker = request.user if isinstance(request.user, User) else None
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        """Refuse: who came in by which invitation stays known."""
        return False

    def response_add(
        self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the page with the link."""
        return HttpResponseRedirect(reverse("admin:accounts_invitation_change", args=[obj.pk]))


@admin.register(SecurityEvent)
class SecurityEventAdmin(admin.ModelAdmin[SecurityEvent]):
    """The security log: looked at, never written by hand; `accounts.security_log_page` lists it."""

    ordering = ["-at", "-id"]
    fields = ["at", "kind", "user_id", "actor_id", "address", "agent", "facts"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List the log by ids: Django's pages count rows, and skip those before."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Security log"),
            **log_context(request),
        }
        return render(request, "admin/accounts/securityevent/log.html", context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SecurityEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SecurityEvent | None = None) -> bool:
        return False
