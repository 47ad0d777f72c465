"""The statement UNLOAD, as Athena's grammar has it: a query, a place in S3, and properties of the files.

https://docs.aws.amazon.com/athena/latest/ug/unload.html (read 2026-11-30)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ministack.services import athena

# What Athena writes; of ORC and Avro the sandbox writes nothing, and says so.
FORMATS = ("PARQUET", "JSON", "TEXTFILE", "ORC", "AVRO")
# LZ4 and LZO it only reads.
# https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html (read 2026-11-30)
PARQUET_COMPRESSIONS = ("GZIP", "SNAPPY", "ZSTD", "NONE")
MOST_PARTITIONS = 100
_PROPERTIES = ("format", "compression", "compression_level", "field_delimiter", "partitioned_by")


class MalformedUnloadError(ValueError):
    """A statement that begins as UNLOAD and is none, for which Athena begins no query."""


class UnloadRefusedError(ValueError):
    """An UNLOAD that is run and fails; the text is the reason that its execution shows."""


@dataclass(frozen=True)
class Unload:
    """An UNLOAD statement as it was read.

    `bucket` and `prefix` are the folder it writes to, the prefix with a slash at its end unless it is the whole
    bucket. `properties` are those of WITH by lower-case name: a text, or the texts of an ARRAY.
    """

    select: str
    bucket: str
    prefix: str
    properties: dict[str, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the folder's URL."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def partitioned_by(self) -> tuple[str, ...]:
        """Return the columns that become folders, none by default."""
        given = self.properties.get("partitioned_by", ())
        return given if isinstance(given, tuple) else (given,)

    @property
    def is_text(self) -> bool:
        """Return whether the files are lines of text, which Athena always compresses with gzip."""
        return self._word("format") != "PARQUET"

    def check(self) -> None:
        """Raise UnloadRefusedError for a property that Athena or the sandbox does not take."""
        if unknown := sorted(set(self.properties) - set(_PROPERTIES)):
            raise UnloadRefusedError(f"INVALID_TABLE_PROPERTY: UNLOAD has no property {', '.join(unknown)}")
        format_name, compression = self._word("format"), self._word("compression")
        if format_name not in FORMATS:
            raise UnloadRefusedError(f"INVALID_TABLE_PROPERTY: format must be one of {', '.join(FORMATS)}")
        if format_name in ("ORC", "AVRO"):
            raise UnloadRefusedError(f"the sandbox does not write {format_name}; on AWS this query would run")
        allowed = ("GZIP",) if self.is_text else PARQUET_COMPRESSIONS
        if compression and compression not in allowed:
            raise UnloadRefusedError(
                f"INVALID_TABLE_PROPERTY: compression of {format_name} must be one of {', '.join(allowed)}"
            )
        if len(self._delimiter()) != 1:
            raise UnloadRefusedError("INVALID_TABLE_PROPERTY: field_delimiter must be a single character")

    def copy_options(self) -> str:
        """Return the options of DuckDB's COPY that write the same files; `check` has passed."""
        partitions = ", ".join(quoted(name) for name in self.partitioned_by)
        layout = f"PARTITION_BY ({partitions})" if partitions else "PER_THREAD_OUTPUT true"
        match self._word("format"):
            case "PARQUET":
                compression = (self._word("compression") or "GZIP").replace("NONE", "UNCOMPRESSED")
                return f"FORMAT parquet, COMPRESSION {compression}, {layout}"
            case "JSON":
                return f"FORMAT json, COMPRESSION gzip, {layout}"
        # Hive's text has no header, knows no quotes, and writes a null as \N.
        delimiter = self._delimiter().replace("'", "''")
        text = f"HEADER false, DELIMITER '{delimiter}', QUOTE '', ESCAPE '', NULLSTR '\\N'"
        return f"FORMAT csv, {text}, COMPRESSION gzip, {layout}"

    def check_columns(self, columns: dict[str, str]) -> None:
        """Raise UnloadRefusedError if columns, types of DuckDB by name in order, cannot be written so."""
        last = tuple(columns)[len(columns) - len(self.partitioned_by) :]
        if self.partitioned_by and (last != self.partitioned_by or len(columns) == len(last)):
            raise UnloadRefusedError(
                "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the table and in the same "
                f"order as the table properties: {list(self.partitioned_by)}"
            )
        nested = [
            name for name, type_ in columns.items() if type_.endswith("]") or type_.startswith(("STRUCT", "MAP"))
        ]
        if nested and self._word("format") == "TEXTFILE":
            raise UnloadRefusedError(f"the sandbox writes no lists or rows as TEXTFILE: {', '.join(nested)}")

    def _word(self, name: str) -> str:
        given = self.properties.get(name, "")
        return given.upper() if isinstance(given, str) else ""

    def _delimiter(self) -> str:
        given = self.properties.get("field_delimiter", "\x01")
        return given if isinstance(given, str) else ""


def parse(query: str) -> Unload | None:
    """Return the UNLOAD that a statement is, None for any other statement; raises MalformedUnloadError."""
    cursor = athena._Cursor(query)
    if not cursor.keywords("unload"):
        return None
    if cursor.tokens[-1][:2] == ("punct", ";"):
        cursor.tokens.pop()
    try:
        select = _group(cursor)
        bucket, prefix = _place(_required(cursor.string() if cursor.keywords("to") else None, "TO 's3://...'"))
        _required(cursor.keywords("with") and cursor.punct("("), "WITH (")
        properties = dict([_property(cursor)])
        while cursor.punct(","):
            properties.update([_property(cursor)])
        _required(cursor.punct(")") and cursor.at_end(), "the end after WITH (...)")
    except LookupError as error:
        raise MalformedUnloadError(f"mismatched input in UNLOAD. Expecting: {error.args[0]}") from error
    return Unload(select, bucket, prefix, properties)


def quoted(name: str) -> str:
    """Return a column's name as an identifier in SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _group(cursor: Any) -> str:
    """Return the text between the parentheses that follow."""
    _required(cursor.punct("("), "(")
    start = cursor.i
    cursor.skip_group()
    _required(start < cursor.i - 1 and cursor.tokens[cursor.i - 1][:2] == ("punct", ")"), "SELECT ... )")
    text: str = cursor.text[cursor.tokens[start][2] : cursor.tokens[cursor.i - 1][2]]
    return text.strip()


def _place(url: str) -> tuple[str, str]:
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    _required(scheme == "s3" and bucket, "an S3 location such as 's3://bucket/folder/'")
    return bucket, f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""


def _property(cursor: Any) -> tuple[str, str | tuple[str, ...]]:
    name = _required(cursor.name(), "a property's name")
    _required(cursor.punct("="), "=")
    if not cursor.keywords("array"):
        if (number := cursor.number()) is not None:
            return name, str(number)
        return name, _required(cursor.string(), "a text in single quotes")
    _required(cursor.punct("["), "[")
    listed = [_required(cursor.string(), "a text in single quotes")]
    while cursor.punct(","):
        listed.append(_required(cursor.string(), "a text in single quotes"))
    _required(cursor.punct("]"), "]")
    return name, tuple(listed)


def _required(found: Any, what: str) -> Any:
    """Return what was found; raises LookupError with what was expected if nothing was."""
    if not found:
        raise LookupError(what)
    return found
