"""Set-based SQL that the ORM lacks, the same on PostgreSQL and SQLite: INSERT … SELECT, also from
lists, UPDATE … FROM, and the question whether a row is one of many."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F, Field, Func, Model, QuerySet, UUIDField
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


def insert_lists(
    model: type[Model],
    same: Mapping[str, object],
    lists: Mapping[str, Sequence[int | str]],
) -> int:
    """Inserts a row of `model` for each place of the equally long `lists`; answers how many.

    `same` says what a field has in all rows, `lists` what it has in the row of each place. The
    lists travel as one parameter each, however long they are.
    """
    columns = ", ".join(_column(model, name) for name in (*same, *lists))
    values = [_prepared(model, name, value) for name, value in same.items()]
    fixed = ", ".join("%s" for _ in values)
    table = connection.ops.quote_name(model._meta.db_table)
    source, params = _rows_of(list(lists.values()))
    statement = f"INSERT INTO {table} ({columns}) SELECT {fixed}, {source}"
    with connection.cursor() as cursor:
        cursor.execute(statement, (*values, *params))
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


def _rows_of(lists: Sequence[Sequence[int | str]]) -> tuple[str, list[Any]]:
    """The columns and the FROM of a SELECT with a row for each place of the lists."""
    if connection.vendor == "sqlite":
        columns = [f"json_extract(value, '$[{number}]')" for number in range(len(lists))]
        return f"{', '.join(columns)} FROM json_each(%s)", [json.dumps([*zip(*lists, strict=True)])]
    texts = [bool(one) and isinstance(one[0], str) for one in lists]
    arrays = ", ".join("%s::text[]" if text else "%s::bigint[]" for text in texts)
    return f"u.* FROM unnest({arrays}) AS u", [_array(one) for one in lists]


def _array(values: Sequence[int | str]) -> str:
    """An array as PostgreSQL writes it; the driver would look at each of its values in Python."""
    if values and isinstance(values[0], str):
        return "{" + ",".join(map(_quoted, values)) + "}"
    return "{" + ",".join(map(str, values)) + "}"


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _prepared(model: type[Model], name: str, value: object) -> Any:
    field = model._meta.get_field(name)
    assert isinstance(field, Field)
    return field.get_db_prep_save(value, connection)


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


class Among(Func):
    """Whether an expression is one of these keys, however many: they travel as one parameter."""

    output_field = BooleanField()

    def __init__(self, expression: str, keys: Iterable[int]) -> None:
        """Takes the name of the field, and the keys."""
        super().__init__(expression)
        self.keys = ",".join(map(str, keys))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: object
    ) -> tuple[str, tuple[str | int, ...]]:
        """An array: the database makes a table of a long one, and looks few keys up in an index."""
        column, params = compiler.compile(self.get_source_expressions()[0])
        return f"{column} = ANY(%s::bigint[])", (*params, f"{{{self.keys}}}")

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: object
    ) -> tuple[str, tuple[str | int, ...]]:
        """A JSON array, beyond the limit on parameters."""
        column, params = compiler.compile(self.get_source_expressions()[0])
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, f"[{self.keys}]")
