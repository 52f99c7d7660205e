"""Pictures, links and what accounts store, as staff see them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from accounts.admin import UserAdmin, acting_user
from accounts.finding import MakerFilter, OwnerFilter, search_by_account
from accounts.history import write_history
from accounts.models import User
from images.filters import FormatFilter, LiveFilter, TierFilter
from images.ledger import STORED_BYTES, Usage
from images.models import Link, Picture
from images.services import delete_picture, request_thumbnails, update_picture
from images.usage import usage_of
from lib.batches import BATCH_SIZE, in_batches


class PictureAdmin(admin.ModelAdmin[Picture]):
    """The picture pages without previews; `thumbnails.admin` adds those and registers the pages."""

    list_display = [
        "file_name", "owner", "visibility", "size", "format", "rendering", "created_at"
    ]  # fmt: skip
    list_filter = [OwnerFilter, "rendering", "visibility", FormatFilter, TierFilter, "is_active"]
    date_hierarchy = "created_at"
    list_select_related = ["owner"]
    list_per_page = 50
    search_fields = ["owner__username_key__startswith", "=uid"]
    search_help_text = gettext_lazy(
        "The beginning of the owner's login, or the picture's whole UUID."
    )
    ordering = ["-created_at", "-id"]
    fields = [
        "file_name", "owner", "visibility", "description", "is_active", "format",
        "size", "sha256", "rendering", "render_failure", "for_recipients", "created_at",
    ]  # fmt: skip
    readonly_fields = [
        "file_name", "owner", "is_active", "format", "size", "sha256",
        "rendering", "render_failure", "for_recipients", "created_at",
    ]  # fmt: skip

    actions = ["render_again"]

    @admin.display(description=gettext_lazy("File name"))
    def file_name(self, picture: Picture) -> str:
        return picture.file_name

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Picture], search_term: str
    ) -> tuple[QuerySet[Picture], bool]:
        return search_by_account(queryset, search_term, field="owner", uid="uid"), False

    @admin.action(description=gettext_lazy("Render the thumbnails again"), permissions=["change"])
    def render_again(self, request: HttpRequest, pictures: QuerySet[Picture]) -> None:
        """Replace all thumbnails, also those of pictures that failed permanently."""
        picture_ids = list(pictures.values_list("pk", flat=True))
        request_thumbnails(picture_ids, replace=True)
        for batch in in_batches(picture_ids, BATCH_SIZE):
            rows = Picture.objects.filter(pk__in=batch)
            write_history(
                acting_user(request), rows, gettext_noop("Had the thumbnails made again.")
            )
        text = ngettext(
            "%d picture will be rendered again.",
            "%d pictures will be rendered again.",
            len(picture_ids),
        )
        self.message_user(request, text % len(picture_ids))

    def response_change(self, request: HttpRequest, obj: Picture) -> HttpResponse:
        """Stay on the page of a picture whose thumbnails are tried again."""
        if "_render_again" not in request.POST:
            return super().response_change(request, obj)
        request_thumbnails([obj.pk])
        write_history(acting_user(request), [obj], gettext_noop("Had the thumbnails made again."))
        self.message_user(request, _("The thumbnails are being made again."))
        return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Picture, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Change by the service, which sends the signal."""
        with _deleted_is_not_found():
            update_picture(obj, description=obj.description, visibility=obj.visibility)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Pictures are uploaded through the contracts."""
        return False

    def delete_model(self, request: HttpRequest, obj: Picture) -> None:
        """Delete by the service, which sends the signal."""
        with _deleted_is_not_found():
            delete_picture(obj)

    @admin.display(description=gettext_lazy("size"))
    def size(self, picture: Picture) -> str:
        return f"{picture.width}×{picture.height}, {filesizeformat(picture.bytes)}"

    @admin.display(description=gettext_lazy("for recipients"))
    def for_recipients(self, picture: Picture) -> str:
        """Say what leaves in place of the original."""
        return str(picture.clean_copy.label) if picture.clean_copy else _("Not asked for yet")


@contextmanager
def _deleted_is_not_found() -> Iterator[None]:
    """Turn a picture that was deleted while its page was open into a 404."""
    try:
        yield
    except Picture.DoesNotExist as gone:
        raise Http404 from gone


@admin.register(Link)
class LinkAdmin(admin.ModelAdmin[Link]):
    """Expiring links: looked at and revoked, never edited."""

    list_display = [
        "picture", "maker", "created_at", "expires_at", "is_live", "opens", "has_password",
        "last_opened_at",
    ]  # fmt: skip
    list_filter = [MakerFilter, LiveFilter]
    date_hierarchy = "created_at"
    # Not the hash of the password.
    fields = [
        "picture", "maker", "created_at", "expires_at", "revoked_at", "is_live", "opens",
        "last_opened_at", "has_password", "cache_seconds", "note",
    ]  # fmt: skip
    readonly_fields = ["is_live", "opens", "has_password"]
    list_select_related = ["picture", "maker"]
    is_deleted_with_its_owner = True
    goes_alone = True
    search_fields = ["maker__username_key__startswith", "=picture__uid"]
    search_help_text = gettext_lazy(
        "The beginning of the maker's login, or the picture's whole UUID."
    )
    ordering = ["-created_at", "-id"]
    actions = ["revoke"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Link], search_term: str
    ) -> tuple[QuerySet[Link], bool]:
        return search_by_account(queryset, search_term, field="maker", uid="picture__uid"), False

    @admin.display(boolean=True, description=gettext_lazy("live"))
    def is_live(self, link: Link) -> bool:
        return link.is_live(timezone.now())

    @admin.display(description=gettext_lazy("times opened"), ordering="opened")
    def opens(self, link: Link) -> str:
        if link.max_opens is None:
            return str(link.opened)
        return _("%(opened)d of %(most)d") % {"opened": link.opened, "most": link.max_opens}

    @admin.display(boolean=True, description=gettext_lazy("asks for a password"))
    def has_password(self, link: Link) -> bool:
        return link.has_password

    @admin.action(description=gettext_lazy("Revoke the chosen links"), permissions=["change"])
    def revoke(self, request: HttpRequest, links: QuerySet[Link]) -> None:
        """Revoke at once."""
        chosen = Link.objects.filter(pk__in=list(links.values_list("pk", flat=True)))
        rows = list(chosen.filter(revoked_at=None))
        revoked = chosen.revoke()
        write_history(acting_user(request), rows, gettext_noop("Revoked."))
        text = ngettext("%d link revoked.", "%d links revoked.", revoked)
        self.message_user(request, text % revoked)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Links are made through the contracts, which return their token."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Link | None = None) -> bool:
        """Links are revoked by the action; the page is read-only."""
        return obj is None and super().has_change_permission(request, obj)


admin.site.unregister(User)


@admin.register(User)
class MeteredUserAdmin(UserAdmin):
    """Accounts with what they store, as their ledger says."""

    list_display = [*UserAdmin.list_display, "stored"]
    readonly_fields = [*UserAdmin.readonly_fields, "usage"]
    fieldsets = [*UserAdmin.fieldsets, (None, {"fields": ["usage"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Load what each account stores in the same query, so that the list sorts by it."""
        usage = Usage.objects.filter(owner=OuterRef("pk"))
        stored = Coalesce(Subquery(usage.values(total=STORED_BYTES)), 0)
        users: QuerySet[User] = super().get_queryset(request).annotate(stored_bytes=stored)
        return users

    @admin.display(description=gettext_lazy("stored"), ordering="stored_bytes")
    def stored(self, user: User) -> str:
        return filesizeformat(getattr(user, "stored_bytes", 0))

    @admin.display(description=gettext_lazy("stored"))
    def usage(self, user: User) -> SafeString:
        """Show what is stored, and what the tier allows, in the language of whoever looks."""
        context = {"usage": usage_of(user.pk), "tier": user.tier}
        return render_to_string("images/usage_of_account.html", context)
