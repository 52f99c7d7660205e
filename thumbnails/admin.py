"""Thumbnails as staff see them."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from images.signed_urls import address_of
from thumbnails.models import Thumbnail


@admin.register(Thumbnail)
class ThumbnailAdmin(admin.ModelAdmin[Thumbnail]):
    """What was rendered; nothing here is edited by hand."""

    list_display = [
        "preview",
        "picture",
        "owner",
        "height",
        "pixels",
        "bytes",
        "webp_bytes",
        "quality",
        "created_at",
    ]
    list_filter = ["content_type", "is_stale"]
    list_select_related = ["picture", "owner"]
    list_per_page = 50
    search_fields = ["owner__username_key__startswith", "=picture__uid"]
    search_help_text = "The beginning of the owner's login, or the picture's whole UUID."
    ordering = ["-created_at", "-id"]

    @admin.display(description="")
    def preview(self, thumbnail: Thumbnail) -> SafeString:
        """Show it."""
        address = address_of(thumbnail.key)
        return format_html('<img src="{}" alt="" height="64" loading="lazy">', address)

    @admin.display(description="pixels")
    def pixels(self, thumbnail: Thumbnail) -> str:
        """Return width and height as they really are."""
        return f"{thumbnail.width_px}×{thumbnail.height_px}"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Thumbnails are rendered."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Thumbnail | None = None) -> bool:
        """The page only shows them."""
        return obj is None and super().has_change_permission(request, obj)
