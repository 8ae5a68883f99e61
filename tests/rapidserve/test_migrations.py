"""The migrations give exactly the tables that the models describe, on the database of this run."""

from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.engines.undo import ON_MONGODB

pytestmark = pytest.mark.django_db


def test_no_model_waits_for_a_migration():
    said = StringIO()

    call_command("makemigrations", check=True, dry_run=True, stdout=said)

    assert said.getvalue().strip() == "No changes detected"


def test_no_migration_waits_to_be_applied():
    loader = MigrationLoader(connection)

    assert set(loader.graph.leaf_nodes()) <= set(loader.applied_migrations)


def test_every_model_has_its_table():
    tables = set(connection.introspection.table_names())

    assert {model._meta.db_table for model in apps.get_models(include_auto_created=True)} <= tables


@pytest.mark.skipif(not ON_MONGODB, reason="asks MongoDB: the second run of `make test`")
def test_no_unique_index_of_a_required_field_is_partial():
    """MongoDB never uses a partial index to look a value up."""
    partial = {
        name.partition("_version_id")[0].partition("_id_account_id")[0]
        for model in apps.get_models()
        for name, index in connection.database[model._meta.db_table].index_information().items()
        if "$type" in str(index.get("partialFilterExpression", ""))
    }

    may_be_null = {"entry_name_unique_while_live", "version_number_unique", "files_upload"}
    may_be_null |= {"socialaccount_socialtoken_app"}  # of which none are stored
    assert partial == may_be_null
