"""Which labels there are, for menus: found by hopping through the index, key by key.

Asking for the distinct ones would read the labels of the whole fleet for a handful of words.
"""

from django.db import connection

from devices.models import DeviceLabel

#: A menu with more entries helps nobody; for the others there is the selector.
MOST = 100

_HOP = """
    WITH RECURSIVE known(word, place) AS (
        SELECT (SELECT MIN({column}) FROM {table} WHERE {condition}), 1
        UNION ALL
        SELECT (SELECT MIN({column}) FROM {table} WHERE {condition} AND {column} > word), place + 1
        FROM known WHERE word IS NOT NULL AND place < %(most)s
    )
    SELECT word FROM known WHERE word IS NOT NULL
"""


def keys() -> list[str]:
    """The first keys by name."""
    return _known("key", "1 = 1", {})


def values(key: str) -> list[str]:
    """The first values of a key."""
    return _known("value", "key = %(key)s", {"key": key})


def _known(column: str, condition: str, asked: dict[str, str | int]) -> list[str]:
    table = connection.ops.quote_name(DeviceLabel._meta.db_table)
    hop = _HOP.format(column=column, table=table, condition=condition)
    with connection.cursor() as cursor:
        cursor.execute(hop, asked | {"most": MOST})
        return [str(word) for (word,) in cursor.fetchall()]
