"""Column types that mean the same on SQLite and on MySQL."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, DateTime, Double, Integer, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import functions
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

BigSerial = BigInteger().with_variant(Integer, "sqlite")
"""An auto-incremented 64-bit key; SQLite increments only what is called INTEGER."""

LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")
"""Text without a limit that an event could reach."""


def key(length: int = 36) -> TypeEngine[str]:
    """Return the type of an identifier, compared byte by byte on every database.

    MySQL's default collation would take "A" and "a" for the same key.
    """
    exact = mysql.VARCHAR(length, charset="ascii", collation="ascii_bin")
    return String(length).with_variant(exact, "mysql")


def folded(length: int) -> TypeEngine[str]:
    """Return the type of text that the program folded: equal only if identical.

    MySQL's default collations fold by rules of their own, which differ between
    versions and take all emoji for the same.
    """
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return String(length).with_variant(exact, "mysql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime with microseconds, stored without its zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """MySQL keeps whole seconds unless told otherwise."""
        if dialect.name == "mysql":
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Refuse a naive time: nobody knows which zone it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Give back what was stored, aware again."""
        return None if value is None else value.replace(tzinfo=UTC)


class utc_now(functions.GenericFunction[datetime]):  # noqa: N801 - named as SQL functions are
    """The database's own clock, in UTC: the only clock that decides (R54)."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(utc_now, "sqlite")
def _sqlite_now(element: utc_now, compiler: SQLCompiler, **kw: object) -> str:
    # SQLite knows milliseconds; three more digits make its text comparable with
    # the stored microseconds.
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


@compiles(utc_now, "mysql")
def _mysql_now(element: utc_now, compiler: SQLCompiler, **kw: object) -> str:
    return "UTC_TIMESTAMP(6)"


class seconds_until(functions.GenericFunction[float]):  # noqa: N801 - as above
    """Seconds from the database's now until a `UtcDateTime` column, maybe < 0."""

    type = Double()
    inherit_cache = True


@compiles(seconds_until, "sqlite")
def _sqlite_until(element: seconds_until, compiler: SQLCompiler, **kw: object) -> str:
    column = compiler.process(element.clauses, **kw)
    return f"((julianday({column}) - julianday('now')) * 86400.0)"


@compiles(seconds_until, "mysql")
def _mysql_until(element: seconds_until, compiler: SQLCompiler, **kw: object) -> str:
    column = compiler.process(element.clauses, **kw)
    return f"(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), {column}) / 1000000.0)"


class utc_in(functions.GenericFunction[datetime]):  # noqa: N801 - as above
    """The database's now plus a number of whole seconds."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(utc_in, "sqlite")
def _sqlite_in(element: utc_in, compiler: SQLCompiler, **kw: object) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {seconds} || ' seconds') || '000')"


@compiles(utc_in, "mysql")
def _mysql_in(element: utc_in, compiler: SQLCompiler, **kw: object) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"(UTC_TIMESTAMP(6) + INTERVAL {seconds} SECOND)"
