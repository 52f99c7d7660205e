"""The index of searches, which needs extensions of PostgreSQL that not every role may make."""

import logging

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from images.search_index import SearchIndexMissing, drop_search_index, make_search_index

logger = logging.getLogger(__name__)


def make(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    try:
        make_search_index(schema_editor.connection)
    except SearchIndexMissing as missing:
        logger.warning("%s", missing)


def drop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    drop_search_index(schema_editor.connection)


class Migration(migrations.Migration):
    # PostgreSQL makes an index without stopping writers outside a transaction alone.
    atomic = False
    dependencies = [("images", "0013_picture_list_indexes")]
    operations = [migrations.RunPython(make, drop)]
