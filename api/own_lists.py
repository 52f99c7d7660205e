"""The lists that accounts ask for most: what one has oneself, by SQL that is compiled once."""

from images.models import Picture
from lib.keyset import CompiledPages
from thumbnails.models import Thumbnail
from tiers.models import TierHeight

own_pictures = CompiledPages(Picture, Picture.objects.owned_by, Picture.owner.field)
# Of an account and its tier.
own_thumbnails = CompiledPages(
    Thumbnail, Thumbnail.objects.at_heights_of, Thumbnail.owner.field, TierHeight.tier.field
)
