"""The declarations in force: those that `activation audiences apply` stored, and the rows of their tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from activation.aws.errors import classify, code_of
from activation.errors import ActivationError, ConfigError
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sync.declaration import Declaration, Declarations, SourceDeclaration, TableDeclaration
from lambdas.sync.declarations import DeclarationsError, read_declarations

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "_declarations/audiences.json"  # in the bucket of mirrors; no platform's name begins with "_"
NONE = Declarations((), ())


class Tables(Protocol):
    """Reads the rows of a table as declarations."""

    def rows(
        self, table: TableDeclaration, like: Declaration, before: Sequence[Declaration]
    ) -> Sequence[Declaration]:
        """Return the rows' declarations that one `before` does not exclude; raises Retryable and ConfigError."""


@dataclass(frozen=True)
class Found:
    """The declarations that could be read, and what kept the others from being read, by the table's name.

    `unread` are the sources of tables that could not be read, and `has_tables` says that there are tables at all.
    """

    declarations: tuple[Declaration, ...]
    problems: dict[str, ActivationError] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    has_tables: bool = False


@dataclass(frozen=True)
class Catalogue:
    """Reads the declarations anew at each call, since `apply` needs no deployment.

    `tables` is None where no table is read: a command that shows the file alone.
    """

    s3: S3Client
    bucket: str
    tables: Tables | None = None
    _read: list[Declarations] = field(default_factory=list, repr=False, compare=False)

    def stored(self) -> Declarations:
        """Return what `apply` stored, nothing before the first; raises Retryable and ConfigError."""
        document = stored_document(self.s3, self.bucket)
        try:
            self._read[:] = [NONE if document is None else read_declarations(document)]
            return self._read[0]
        except DeclarationsError as error:
            raise ConfigError(
                "newer_declarations",
                f"the stored declarations have {len(error.mistakes)} mistakes for this release: apply them again",
            ) from None

    def source(self, name: str) -> SourceDeclaration:
        """Return a source as it was declared when the declarations were last read; raises as `stored` does."""
        return (self._read[0] if self._read else self.stored()).source(name)

    def all(self) -> Found:
        """Return all declarations; a table that cannot be read keeps only later ones of its source from being due.

        Those might name a system that it names too, and the first table that does declares it.
        """
        return with_rows(self.stored(), self.tables)

    def find(self, name: str) -> Declaration | None:
        """Return a declaration that is not paused, None for none; raises what kept it from being found."""
        found = self.all()
        for one in found.declarations:
            if one.name == name:
                return None if one.paused else one
        for problem in found.problems.values():
            raise problem
        return None


def with_rows(declared: Declarations, tables: Tables | None) -> Found:
    """Return declarations with those of the rows of their tables: see Catalogue.all."""
    found, problems = list(declared.audiences), dict[str, ActivationError]()
    unread = dict[str, ActivationError]()
    by_name = {one.name: one for one in declared.audiences}
    for table in declared.tables:
        if tables is None:
            break
        if table.source in unread:
            problems[table.table] = unread[table.source]
            continue
        try:
            found += tables.rows(table, by_name[table.like], found)
        except ActivationError as error:
            problems[table.table] = unread[table.source] = error
    return Found(tuple(found), problems, tuple(unread), bool(declared.tables))


def stored_document(s3: S3Client, bucket: str) -> dict[str, Any] | None:
    """Return the document that is stored, None before the first; raises Retryable and ConfigError."""
    try:
        with s3.get_object(Bucket=bucket, Key=KEY)["Body"] as body:
            document: dict[str, Any] = json.loads(body.read())
    except ClientError as error:
        if code_of(error) == "NoSuchKey":
            return None
        raise classify(error, code="declarations") from None
    except BotoCoreError as error:
        raise classify(error, code="declarations") from None
    return document
