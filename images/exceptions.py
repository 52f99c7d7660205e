"""What services raise about pictures, links and their storage."""


class UploadTooLarge(Exception):
    """A file is larger than the owner's tier allows; `limit` in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The picture may have at most {limit} bytes.")
        self.limit = limit


class QuotaExceeded(Exception):
    """The owner has as many pictures, or stored bytes, as the tier allows."""

    def __init__(self, message: str = "The account holds as many pictures as its tier allows."):
        super().__init__(message)


class PictureTooCostly(Exception):
    """Decoding a picture took more time or memory than is allowed, or killed its process."""


class StrippingFailed(Exception):
    """A picture whose metadata cannot be removed for certain; its bytes must not leave."""


class NotReady(Exception):
    """The thumbnail to serve is still being rendered; trying again in a few seconds may help."""


class NotRenderable(Exception):
    """A picture has no thumbnail, and rendering one failed permanently."""


class LinkNotGranted(Exception):
    """The account's tier does not allow expiring links."""


class LinkDurationOutOfBounds(Exception):
    """The requested lifetime of a link lies outside the tier's bounds, both included."""

    def __init__(self, min_seconds: int, max_seconds: int) -> None:
        super().__init__(f"The time must be from {min_seconds} to {max_seconds} seconds.")
        self.min_seconds = min_seconds
        self.max_seconds = max_seconds


class LinkGone(Exception):
    """A link expired, was revoked or used up, or lost its picture, owner or maker's grant."""


class LinkRevoked(Exception):
    """A link was revoked, which no change takes back."""


class NoActivePicture(Exception):
    """The account has no active picture, or none that this viewer may see."""


class PictureIsActive(Exception):
    """The active picture cannot be deleted before another one is active."""


class ArchiveBusy(Exception):
    """No archive can begin now: the account's own runs, or as many run as there is room for."""


class StorageAway(Exception):
    """The storage did not respond, or refused; trying again later may help."""


class UploadStillRunning(Exception):
    """The first upload with an Idempotency-Key has not ended yet."""


class UploadKeyReused(Exception):
    """An Idempotency-Key came before, with another upload."""


class UploadedPictureGone(Exception):
    """The picture that was uploaded with an Idempotency-Key has been deleted since."""
