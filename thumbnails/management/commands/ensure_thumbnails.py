"""Have the pictures of older releases rendered as newer ones are."""

from typing import Any

from django.core.management.base import BaseCommand

from thumbnails.sweeping import want_older_pictures_again


class Command(BaseCommand):
    """May be interrupted and repeated: what is done is not done again."""

    help = (
        "Ask the workers for what pictures rendered by an older release lack: WebP thumbnails, "
        "ThumbHash, dominant colour."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask for them, batch by batch, and say how many they are."""
        count = want_older_pictures_again()
        self.stdout.write(f"{count} pictures will be rendered again.")
