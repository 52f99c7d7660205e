"""Django's handle on the package."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People and their sessions."""

    name = "accounts"
