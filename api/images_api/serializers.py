"""What the images API takes and gives."""

from rest_framework import serializers

from images.models import MAX_DESCRIPTION_LENGTH

_LONGEST_PASSWORD = 1024


class ImagesApiRegistration(serializers.Serializer[None]):
    """A new account."""

    login = serializers.CharField(min_length=3, max_length=64)
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=_LONGEST_PASSWORD, trim_whitespace=False)


class ImagesApiAccount(serializers.Serializer[None]):
    """An account that was just made."""

    createTime = serializers.DateTimeField()
    email = serializers.EmailField()
    id = serializers.UUIDField()
    login = serializers.CharField()


class ImagesApiSignIn(serializers.Serializer[None]):
    """A login and its password."""

    login = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=_LONGEST_PASSWORD, trim_whitespace=False)


class ImagesApiToken(serializers.Serializer[None]):
    """A JWT, to be sent as it is in the header of the same name."""

    Authorization = serializers.CharField()


class ImagesApiUpload(serializers.Serializer[None]):
    """A picture in base64; a data URI is taken too."""

    data = serializers.CharField(trim_whitespace=False)  # type: ignore[assignment]  # the wire's
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION_LENGTH, required=False, allow_blank=True, default=""
    )


class ImagesApiUploaded(serializers.Serializer[None]):
    """A picture that was just stored."""

    id = serializers.UUIDField()
    login = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # the wire's
    upload_date = serializers.CharField()


class ImagesApiImage(serializers.Serializer[None]):
    """A picture of one's page."""

    description = serializers.CharField(allow_blank=True)
    id = serializers.UUIDField()
    source = serializers.CharField()  # type: ignore[assignment]  # the wire's
    upload_date = serializers.CharField()


class ImagesApiMe(serializers.Serializer[None]):
    """One's page."""

    id = serializers.UUIDField()
    images = ImagesApiImage(many=True)
    login = serializers.CharField()


class ImagesApiError(serializers.Serializer[None]):
    """What went wrong."""

    message = serializers.CharField()
    status_code = serializers.IntegerField()
