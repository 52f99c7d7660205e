"""Render what pictures of older releases lack."""

from typing import Any

from django.core.management.base import BaseCommand

from thumbnails.sweeping import request_missing_placeholders


class Command(BaseCommand):
    """May be interrupted and run again: finished pictures are not requested twice."""

    help = (
        "Enqueue the pictures that an older release rendered, to add what they lack: WebP "
        "thumbnails, ThumbHash, dominant colour."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        count = request_missing_placeholders()
        self.stdout.write(f"{count} pictures will be rendered again.")
