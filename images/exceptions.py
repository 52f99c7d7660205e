"""What can go wrong with a picture, in the domain's words."""


class UploadTooLarge(Exception):
    """More bytes than the owner's tier takes."""

    def __init__(self, limit: int) -> None:
        """Remember the limit, in bytes."""
        super().__init__(f"The picture may have at most {limit} bytes.")
        self.limit = limit


class QuotaExceeded(Exception):
    """The owner's tier stores no more pictures, or no more bytes."""


class PictureTooCostly(Exception):
    """Decoding a picture took more time or memory than is allowed, or killed its process."""


class NotReady(Exception):
    """The bytes one may have are still being made; try again in a few seconds."""


class NotRenderable(Exception):
    """A picture that cannot be rendered, now or later."""


class LinkNotGranted(Exception):
    """The account's tier makes no expiring links."""


class LinkTimeOutOfBounds(Exception):
    """The tier's links live shorter or longer than asked."""

    def __init__(self, shortest: int, longest: int) -> None:
        """Remember the bounds, in seconds, both included."""
        super().__init__(f"The time must be from {shortest} to {longest} seconds.")
        self.shortest = shortest
        self.longest = longest


class LinkGone(Exception):
    """A link of ours that has expired, was revoked, or lost its picture, owner or grant."""


class NoActivePicture(Exception):
    """The account has no active picture, or none that this viewer may see."""


class PictureIsActive(Exception):
    """The active picture stays until another takes its place."""


class StorageAway(Exception):
    """The files' storage did not answer, or refused; trying again later may help."""
