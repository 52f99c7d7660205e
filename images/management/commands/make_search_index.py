"""`manage.py make_search_index`: what `migrate` left out where its role may make no extension."""

from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import connection

from images.search_index import SearchIndexMissing, make_search_index


class Command(BaseCommand):
    help = "Make the index of searches where it is missing; PostgreSQL alone has one."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            make_search_index(connection)
        except SearchIndexMissing as error:
            raise CommandError(str(error)) from None
        self.stdout.write("The index of searches is there.")
