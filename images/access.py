"""Who may see and who may change a picture: the one rule that every contract applies."""

from uuid import UUID

from accounts.models import User
from images.exceptions import NoActivePicture
from images.models import Picture


def may_see(viewer: User | None, picture: Picture) -> bool:
    """Return whether a viewer (None: not signed in) may learn that a picture exists."""
    if viewer is not None and may_change(viewer, picture):
        return True
    if picture.visibility == Picture.Visibility.MEMBERS:
        return viewer is not None
    return picture.visibility == Picture.Visibility.PUBLIC


def may_change(viewer: User, picture: Picture) -> bool:
    """Return whether a viewer may change or delete a picture."""
    return may_act_for(viewer, picture.owner_id)


def may_act_for(actor: User, owner_id: UUID) -> bool:
    """Return whether an account may add, change and delete the pictures of another."""
    return actor.is_staff or actor.pk == owner_id


def active_picture(viewer: User | None, owner_id: UUID) -> Picture:
    """Return an account's active picture if the viewer may see it; raise NoActivePicture else."""
    found: Picture | None = Picture.objects.owned_by(owner_id).active().visible_to(viewer).first()
    if found is None:
        raise NoActivePicture
    return found
