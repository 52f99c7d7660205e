"""Pictures and links as staff see them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from images.models import Link, Picture
from images.services import delete_picture, update_picture, want_thumbnails_again
from images.signed_urls import address_of

_PREVIEW_LIST, _PREVIEW_PAGE = 64, 320


@admin.register(Picture)
class PictureAdmin(admin.ModelAdmin[Picture]):
    """Pictures with a preview and where their thumbnails stand."""

    list_display = [
        "preview", "file_name", "owner", "visibility", "size", "format", "rendering", "created_at"
    ]  # fmt: skip
    list_display_links = ["preview", "file_name"]
    list_filter = ["rendering", "visibility", "format", "is_active"]
    list_select_related = ["owner"]
    list_per_page = 50
    search_fields = ["owner__username_key__startswith", "=uid"]
    search_help_text = "The beginning of the owner's login, or the picture's whole UUID."
    ordering = ["-created_at", "-id"]
    fields = [
        "large_preview", "file_name", "owner", "visibility", "description", "is_active", "format",
        "size", "sha256", "rendering", "render_attempts", "render_failure", "created_at",
    ]  # fmt: skip
    readonly_fields = [
        "large_preview", "file_name", "owner", "is_active", "format", "size", "sha256",
        "rendering", "render_attempts", "render_failure", "created_at",
    ]  # fmt: skip

    actions = ["render_again"]

    @admin.action(description="Render the thumbnails again")
    def render_again(self, request: HttpRequest, pictures: QuerySet[Picture]) -> None:
        """Have them made anew, also of pictures that were set aside."""
        picture_ids = list(pictures.values_list("pk", flat=True))
        want_thumbnails_again(picture_ids, anew=True)
        self.message_user(request, f"{len(picture_ids)} pictures will be rendered again.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Picture]:
        """Load the thumbnails beside the pictures: two queries, however long the page."""
        return super().get_queryset(request).prefetch_related("thumbnails")

    def save_model(self, request: HttpRequest, obj: Picture, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        """Change by the service, which tells of it."""
        with _gone_is_not_found():
            update_picture(obj, description=obj.description, visibility=obj.visibility)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Pictures come in through the doors."""
        return False

    def delete_model(self, request: HttpRequest, obj: Picture) -> None:
        """Delete by the service, which tells of it."""
        with _gone_is_not_found():
            delete_picture(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Picture]) -> None:
        """Delete each by the service, in a commit of its own."""
        for picture in queryset:
            with suppress(Picture.DoesNotExist):
                delete_picture(picture)

    @admin.display(description="size")
    def size(self, picture: Picture) -> str:
        """Return pixels and bytes."""
        return f"{picture.width}×{picture.height}, {filesizeformat(picture.bytes)}"

    @admin.display(description="")
    def preview(self, picture: Picture) -> SafeString:
        """Show the smallest thumbnail, or why there is none."""
        return _preview(picture, _PREVIEW_LIST)

    @admin.display(description="")
    def large_preview(self, picture: Picture) -> SafeString:
        """Show the tallest thumbnail."""
        return _preview(picture, _PREVIEW_PAGE)


@contextmanager
def _gone_is_not_found() -> Iterator[None]:
    """Django's admin knows no other word for what went while its page was open."""
    try:
        yield
    except Picture.DoesNotExist as gone:
        raise Http404 from gone


def _preview(picture: Picture, height: int) -> SafeString:
    """The nearest thumbnail that is tall enough, by its signed address."""
    copies = sorted(picture.thumbnails.all(), key=lambda each: each.height)
    enough = [each for each in copies if each.height >= height] or copies[-1:]
    if not enough:
        mark = "⚠" if picture.rendering == Picture.Rendering.FAILED else "…"
        return format_html('<span title="{}">{}</span>', picture.get_rendering_display(), mark)
    return format_html(
        '<img src="{}" alt="" height="{}" loading="lazy" class="preview">',
        address_of(enough[0].key),
        height,
    )


@admin.register(Link)
class LinkAdmin(admin.ModelAdmin[Link]):
    """Expiring links: looked at and revoked, never edited."""

    list_display = [
        "picture", "maker", "created_at", "expires_at", "is_live", "opened", "last_opened_at"
    ]  # fmt: skip
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["picture", "maker"]
    search_fields = ["maker__username_key__startswith", "=picture__uid"]
    search_help_text = "The beginning of the maker's login, or the picture's whole UUID."
    ordering = ["-created_at", "-id"]
    actions = ["revoke"]

    @admin.display(boolean=True, description="live")
    def is_live(self, link: Link) -> bool:
        """Tell whether it may still be opened."""
        return link.is_live(timezone.now())

    @admin.action(description="Revoke the chosen links")
    def revoke(self, request: HttpRequest, links: QuerySet[Link]) -> None:
        """End them at once."""
        revoked = Link.objects.filter(pk__in=links.values("pk")).revoke()
        self.message_user(request, f"{revoked} links revoked.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Links are made at the door, which returns their token."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Link | None = None) -> bool:
        """Links are revoked by the action; the page only shows them."""
        return obj is None and super().has_change_permission(request, obj)
