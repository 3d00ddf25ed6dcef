"""Set-based SQL that the ORM lacks, the same on PostgreSQL and SQLite: INSERT … SELECT and
UPDATE … FROM."""

from collections.abc import Mapping

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, Field, Func, Model, QuerySet, UUIDField
from django.db.models.sql.compiler import SQLCompiler

#: What a column of the new row is made of.
Source = F | Expression


def insert_from(
    model: type[Model],
    values: Mapping[str, Source],
    source: "QuerySet[Model]",
    *,
    skip_conflicts: bool = False,
) -> int:
    """Inserts one row of `model` for each row of `source`; answers how many.

    `values` says for each field what to put there, as an expression over `source`. The source
    must be filtered: SQLite cannot parse ON CONFLICT after a SELECT without WHERE.
    """
    chosen = {f"new_{name}": value for name, value in values.items()}
    columns = ", ".join(_column(model, name) for name in values)
    select, params = source.annotate(**chosen).values_list(*chosen).query.sql_with_params()
    conflict = " ON CONFLICT DO NOTHING" if skip_conflicts else ""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) {select}{conflict}", params)
        return int(cursor.rowcount)


def update_from(model: type[Model], values: Mapping[str, Source], source: QuerySet[Model]) -> int:
    """Updates the rows of `model` that `source` names by `pk`; answers how many.

    `values` says for each field what to put there, as an expression over `source`; its entry
    "pk" is the row's key. One join, where a subquery in SET would run once for each row.
    """
    chosen = {f"new_{name}": value for name, value in values.items()}
    select, params = source.annotate(**chosen).values_list(*chosen).query.sql_with_params()
    quote = connection.ops.quote_name
    columns = [name for name in values if name != "pk"]
    settings = ", ".join(f"{_column(model, name)} = s.{quote(f'new_{name}')}" for name in columns)
    table, key = quote(model._meta.db_table), _column(model, "id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {settings} FROM ({select}) AS s "
            f"WHERE {table}.{key} = s.{quote('new_pk')}",
            params,
        )
        return int(cursor.rowcount)


def _column(model: type[Model], name: str) -> str:
    field = model._meta.get_field(name)
    assert isinstance(field, Field)
    return connection.ops.quote_name(str(field.column))


class RandomUuid(Func):
    """A random UUID (version 4) made by the database, one for each row."""

    template = "gen_random_uuid()"
    output_field = UUIDField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: object
    ) -> tuple[str, tuple[str | int, ...]]:
        """SQLite keeps UUIDs as 32 hex digits and has no function to make one."""
        version = "'4' || substr(hex(randomblob(2)), 2)"
        variant = "substr('89AB', 1 + abs(random() %% 4), 1) || substr(hex(randomblob(8)), 2)"
        return f"lower(hex(randomblob(6)) || {version} || {variant})", ()
