"""Thumbnails as staff see them: their own pages, and as previews on those of pictures."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.finding import OwnerFilter, search_by_account
from accounts.models import User
from images.admin import PictureAdmin
from images.models import Link, Picture
from images.permissions import PicturePermission, reaches_others
from images.signed_urls import signed_url
from lib.batches import in_batches
from lib.naming import name_first
from thumbnails.deletion import delete_chosen_thumbnails, delete_pictures
from thumbnails.failures import describe_failure
from thumbnails.models import RenderClaim, Thumbnail
from thumbnails.usage import measure

# In pixels.
_LIST_PREVIEW_HEIGHT, _PAGE_PREVIEW_HEIGHT = 64, 320


def _with_failure(names: Iterable[Any]) -> list[Any]:
    """Replace the reason that a row says in English by one in the reader's language."""
    return ["failure" if each == "render_failure" else each for each in names]


@admin.register(Picture)
class PreviewedPictureAdmin(PictureAdmin):
    """Pictures with a thumbnail as preview."""

    list_display = ["preview", *PictureAdmin.list_display]
    list_display_links = ["preview", "file_name"]
    fields = ["large_preview", *_with_failure(PictureAdmin.fields), "attempts"]
    readonly_fields = ["large_preview", *_with_failure(PictureAdmin.readonly_fields), "attempts"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Picture]:
        """Load the thumbnails beside the pictures: two queries, however long the page."""
        return super().get_queryset(request).prefetch_related("thumbnails")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name the first of them and count what goes with them, however many there are."""
        ids = [each.pk for each in objs]
        rows = Picture.objects.filter(pk__in=ids)
        counts = {
            capfirst(Picture._meta.verbose_name_plural): len(ids),
            _("Files"): measure(rows).files,
            capfirst(Link._meta.verbose_name_plural): Link.objects.filter(picture__in=ids).count(),
        }
        allowed = self.has_delete_permission(request)
        forbidden = set() if allowed else {str(Picture._meta.verbose_name)}
        return name_first(objs), counts, forbidden, []

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Picture]) -> None:
        """Delete as their owners do, batch by batch."""
        delete_pictures(Picture.objects.all(), list(queryset.values_list("pk", flat=True)))

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, picture: Picture) -> SafeString:
        """Show the smallest thumbnail that is tall enough, or why there is none."""
        return _preview(picture, _LIST_PREVIEW_HEIGHT)

    @admin.display(description=gettext_lazy("preview"))
    def large_preview(self, picture: Picture) -> SafeString:
        """Show a taller thumbnail."""
        return _preview(picture, _PAGE_PREVIEW_HEIGHT)

    @admin.display(description=gettext_lazy("reason of the failure"))
    def failure(self, picture: Picture) -> str:
        return describe_failure(picture.render_failure)

    @admin.display(description=gettext_lazy("attempts at rendering"))
    def attempts(self, picture: Picture) -> int | None:
        """Say how often a picture that is pending or failed was tried."""
        if picture.rendering == Picture.Rendering.READY:
            return None
        return RenderClaim.objects.filter(pk=picture.pk).values_list("attempts", flat=True).first()


def _preview(picture: Picture, height: int) -> SafeString:
    """Show the nearest thumbnail that is tall enough, else the tallest, by its signed address."""
    thumbnails = sorted(picture.thumbnails.all(), key=lambda each: each.height)
    tall_enough = [each for each in thumbnails if each.height >= height] or thumbnails[-1:]
    if not tall_enough:
        symbol = "⚠" if picture.rendering == Picture.Rendering.FAILED else "…"
        return format_html('<span title="{}">{}</span>', picture.get_rendering_display(), symbol)
    return format_html(
        '<img src="{}" alt="" height="{}" loading="lazy" class="preview">',
        signed_url(tall_enough[0].key),
        height,
    )


@admin.register(Thumbnail)
class ThumbnailAdmin(admin.ModelAdmin[Thumbnail]):
    """Rendered thumbnails, read-only."""

    list_display = [
        "preview",
        "picture",
        "owner",
        "height",
        "pixels",
        "bytes",
        "webp_bytes",
        "avif_bytes",
        "quality",
        "created_at",
    ]
    list_filter = [OwnerFilter]
    date_hierarchy = "created_at"
    is_deleted_with_its_owner = True
    goes_alone = True
    list_select_related = ["picture", "owner"]
    list_per_page = 50
    search_fields = ["owner__username_key__startswith", "=picture__uid"]
    search_help_text = gettext_lazy(
        "The beginning of the owner's login, or the picture's whole UUID."
    )
    ordering = ["-created_at", "-id"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Thumbnail], search_term: str
    ) -> tuple[QuerySet[Thumbnail], bool]:
        return search_by_account(queryset, search_term, field="owner", uid="picture__uid"), False

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, thumbnail: Thumbnail) -> SafeString:
        address = signed_url(thumbnail.key)
        return format_html('<img src="{}" alt="" height="64" loading="lazy">', address)

    @admin.display(description=gettext_lazy("pixels"))
    def pixels(self, thumbnail: Thumbnail) -> str:
        """Return the width and height of the file."""
        return f"{thumbnail.width_px}×{thumbnail.height_px}"

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Thumbnail]) -> None:
        """Delete batch by batch."""
        for batch in in_batches(list(queryset.values_list("pk", flat=True))):
            delete_chosen_thumbnails(batch)

    # A thumbnail is a picture: the permissions of pictures decide.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Thumbnail | None = None) -> bool:
        return _reaches(request, PicturePermission.VIEW)

    def has_delete_permission(self, request: HttpRequest, obj: Thumbnail | None = None) -> bool:
        return _reaches(request, PicturePermission.DELETE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Thumbnail | None = None) -> bool:
        """The pages are read-only."""
        return False


def _reaches(request: HttpRequest, permission: PicturePermission) -> bool:
    return isinstance(request.user, User) and reaches_others(request.user, permission)
