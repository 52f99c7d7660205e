"""What the image RESTful API says of what a recipient gets."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from api.openapi.examples import FILE_NAME, example
from delivery.reveals import Reveal
from images.formats.metadata_groups import MetadataGroup
from images.formats.registry import FORMATS


class RestfulDropped(serializers.Serializer[None]):
    """A piece of metadata, by the name that its standard has for it."""

    group = serializers.ChoiceField(choices=[each.value for each in MetadataGroup])
    name = serializers.CharField()


@example(
    {
        "format": "JPEG",
        "width": 4032,
        "height": 3024,
        "bytes": 3182044,
        "name": FILE_NAME,
        "dropped": [
            {"group": "EXIF", "name": "Model"},
            {"group": "EXIF", "name": "BodySerialNumber"},
            {"group": "GPS", "name": "GPSLatitude"},
            {"group": "XMP", "name": "dc:creator"},
            {"group": "Preview", "name": "EXIF thumbnail"},
            {"group": "Video", "name": "motion photo"},
        ],
    }
)
class RestfulReveal(serializers.Serializer[None]):
    """What leaves by a link: the file, and what of the original it lacks."""

    format = serializers.ChoiceField(choices=list(FORMATS))
    width = serializers.IntegerField(help_text="As the picture is shown.")
    height = serializers.IntegerField()
    bytes = serializers.IntegerField()
    name = serializers.CharField(help_text="As `Content-Disposition` says it.")
    dropped = RestfulDropped(many=True)


def serialize_reveal(reveal: Reveal) -> dict[str, Any]:
    return asdict(reveal)
