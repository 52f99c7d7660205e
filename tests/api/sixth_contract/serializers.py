"""What the sixth contract gives."""

from rest_framework import serializers


class SixthGreeting(serializers.Serializer[None]):
    """A greeting."""

    greeting = serializers.CharField()


class SixthProblem(serializers.Serializer[None]):
    """What went wrong."""

    problem = serializers.CharField()
