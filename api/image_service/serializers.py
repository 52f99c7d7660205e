"""What the image service takes and gives."""

from rest_framework import serializers

from api.long_texts import LongTextField
from api.openapi.examples import DATA_URI, PICTURE_UID, example


@example({"image": DATA_URI})
class ImageServiceCreate(serializers.Serializer[None]):
    """A picture as a data URI; plain base64 is taken too."""

    image = LongTextField()


@example({"id": PICTURE_UID})
class ImageServiceId(serializers.Serializer[None]):
    """The id of a picture."""

    id = serializers.CharField()


@example({"id": PICTURE_UID, "image": DATA_URI})
class ImageServiceImage(serializers.Serializer[None]):
    """A picture as a data URI."""

    id = serializers.CharField()
    image = serializers.CharField()


class ImageServiceMessage(serializers.Serializer[None]):
    """What is wrong with one field."""

    path = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class ImageServiceMessages(serializers.Serializer[None]):
    """What is wrong, a message for each field."""

    messages = ImageServiceMessage(many=True)


class ImageServiceError(serializers.Serializer[None]):
    """What went wrong."""

    error = serializers.CharField()
