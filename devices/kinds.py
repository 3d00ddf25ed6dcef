"""Kinds of device: those that report the same about themselves, apart from who they are."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, TextField
from django.db.models.sql.compiler import SQLCompiler

#: What tells two devices of one kind apart, in the properties that they report.
OWN = ("id", "serialNumber")
_Sql = tuple[str, tuple[str | int, ...]]


class KindOf(Func):
    """What a device reports, without what is its own, in short; empty before its first report.

    Equal for two devices only where they report the same, so that one may be judged for all of
    its kind. The database computes it with each write, whoever writes: while an old version still
    takes reports, too. Migrations name this class: whoever wants another kind makes another class.
    """

    output_field = TextField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: object
    ) -> _Sql:
        """A digest of the two documents, which jsonb writes in one way only."""
        properties, labels = self._columns(compiler)
        own = ",".join(OWN)
        told = f"({properties} - '{{{own}}}'::text[])::text || ({labels})::text"
        # A cast to bytea reads a backslash as the start of an escape; convert_to() would not, but
        # is not allowed in a generated column. md5() is missing where the system is set to FIPS.
        digest = f"encode(sha256(replace({told}, chr(92), repeat(chr(92), 2))::bytea), 'hex')"
        return f"CASE jsonb_typeof({properties}) WHEN 'object' THEN {digest} END", ()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra_context: object
    ) -> _Sql:
        """The two documents themselves: SQLite has no digest, and its fleets are small."""
        properties, labels = self._columns(compiler)
        own = ", ".join(f"'$.{name}'" for name in OWN)
        told = f"json_remove({properties}, {own}) || {labels}"
        return f"CASE json_type({properties}) WHEN 'object' THEN {told} END", ()

    def _columns(self, compiler: SQLCompiler) -> list[str]:
        return [compiler.compile(column)[0] for column in self.get_source_expressions()]
