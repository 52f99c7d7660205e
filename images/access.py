"""Who may see, change and delete a picture: the one rule that every contract applies.

`PictureQuerySet` has the same rules as queries.
"""

from uuid import UUID

from accounts.models import User
from images.exceptions import NoActivePicture
from images.models import Picture
from images.permissions import PicturePermission, reaches_others


def may_see(viewer: User | None, picture: Picture) -> bool:
    """Return whether a viewer (None: not signed in) may learn that a picture exists.

    Its owner must be loaded. Of an account that its owner closed, nobody may.
    """
    if picture.owner.removal_due_at is not None:
        return False
    if picture.visibility == Picture.Visibility.PUBLIC:
        return True
    if viewer is None:
        return False
    if picture.visibility == Picture.Visibility.MEMBERS:
        return True
    return may_act_for(viewer, picture.owner_id, PicturePermission.VIEW)


def may_change(viewer: User, picture: Picture) -> bool:
    """Return whether a viewer may change a picture, and gets its original as it was uploaded."""
    return may_act_for(viewer, picture.owner_id, PicturePermission.CHANGE)


def may_act_for(actor: User, owner_id: UUID, permission: PicturePermission) -> bool:
    """Return whether an account may do with the pictures of another what a permission says."""
    return actor.pk == owner_id or reaches_others(actor, permission)


def active_picture(viewer: User | None, owner_id: UUID) -> Picture:
    """Return an account's active picture if the viewer may see it; raise NoActivePicture else."""
    found: Picture | None = Picture.objects.owned_by(owner_id).active().visible_to(viewer).first()
    if found is None:
        raise NoActivePicture
    return found
