"""What the image RESTful API takes and gives."""

from rest_framework import serializers

from api.pagination import LARGEST_PAGE, PAGE
from images.models import MAX_DESCRIPTION_LENGTH, MAX_THUMBHASH_LENGTH, Picture
from tiers.models import LONGEST_LINK_SECONDS

_LONGEST_PASSWORD = 1024


class RestfulSignIn(serializers.Serializer[None]):
    """A login and its password."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(
        max_length=_LONGEST_PASSWORD, trim_whitespace=False, style={"input_type": "password"}
    )


class RestfulSuccess(serializers.Serializer[None]):
    """That it worked."""

    success = serializers.BooleanField()


class RestfulToken(serializers.Serializer[None]):
    """An API token."""

    token = serializers.CharField()


class RestfulDetail(serializers.Serializer[None]):
    """Why not."""

    detail = serializers.CharField()


class RestfulUpload(serializers.Serializer[None]):
    """A picture as a file of a form."""

    image = serializers.FileField(allow_empty_file=True)


class RestfulPicture(serializers.Serializer[None]):
    """A picture: `image` is its address where the tier grants originals, else its file name."""

    id = serializers.IntegerField()
    image = serializers.CharField()


class RestfulChange(serializers.Serializer[None]):
    """What an owner may change of a picture; what is left out stays."""

    description = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MAX_DESCRIPTION_LENGTH
    )
    visibility = serializers.ChoiceField(required=False, choices=Picture.Visibility.choices)


class RestfulPictureDetails(RestfulPicture):
    """A picture with what its owner says of it, and who may see it."""

    description = serializers.CharField(allow_blank=True)
    visibility = serializers.ChoiceField(choices=Picture.Visibility.choices)
    thumbhash = serializers.CharField(
        allow_null=True,
        max_length=MAX_THUMBHASH_LENGTH,
        help_text="A ThumbHash in base64, to show until the picture is loaded; null until its "
        "thumbnails are there.",
    )
    dominant_color = serializers.RegexField(
        "^#[0-9a-f]{6}$",
        allow_null=True,
        help_text="The colour that most of it has, as CSS writes it; null as long.",
    )


class RestfulThumbnail(serializers.Serializer[None]):
    """A thumbnail: `height` as the tier names it, `thumbnail` its address."""

    id = serializers.IntegerField()
    image_id = serializers.IntegerField()
    height = serializers.IntegerField()
    thumbnail = serializers.URLField()


class RestfulLinkQuery(serializers.Serializer[None]):
    """For how many seconds a link is to live; the tier sets the bounds."""

    time = serializers.IntegerField(min_value=1, max_value=LONGEST_LINK_SECONDS)


class RestfulLink(serializers.Serializer[None]):
    """An expiring link."""

    url = serializers.URLField()
    expires_in = serializers.IntegerField()


class RestfulEventsQuery(serializers.Serializer[None]):
    """From where on, how many, and whose."""

    since = serializers.IntegerField(
        required=False, min_value=0, max_value=10**18, help_text="The last id you have."
    )
    limit = serializers.IntegerField(default=PAGE, min_value=1, max_value=LARGEST_PAGE)
    user = serializers.UUIDField(required=False, help_text="Another account: for staff.")


class RestfulEventPicture(serializers.Serializer[None]):
    """A picture at the moment of an event."""

    id = serializers.IntegerField()
    uid = serializers.UUIDField()
    file_name = serializers.CharField()
    is_active = serializers.BooleanField()
    visibility = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    format = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    thumbnails = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RestfulEvent(serializers.Serializer[None]):
    """Something that happened to an account's pictures."""

    id = serializers.IntegerField()
    type = serializers.CharField()
    at = serializers.DateTimeField()
    user_id = serializers.UUIDField()
    picture = RestfulEventPicture(required=False)
