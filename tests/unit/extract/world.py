"""What the tests of extraction share: a destination on disk, a secret in memory, and a source that uses both."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lambdas.sync.extract.postgres import PostgresSource
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.source import Consent, Extract, Selection
from sandbox.postgres.server import PostgresServer
from sandbox.postgres.tls_proxy import TlsProxy
from tests.unit.extract.on_disk import Folder, HeldSecret

YES = Consent("accepts_marketing", ("true",))


@dataclass
class World:
    """A database with TLS in front, and what reads it."""

    server: PostgresServer
    proxy: TlsProxy
    secret: HeldSecret
    folder: Path
    options: dict[str, object] = field(default_factory=dict)

    def source(self, **options: object) -> PostgresSource:
        """Return the source as the app's user reaches it."""
        access = PostgresAccess(ca_file=self.proxy.ca_file, **{"lock_timeout_s": 1, **options})  # type: ignore[arg-type]  # the options that a test gives
        return PostgresSource(access, self.secret)

    def extract(
        self, selection: Selection, *, seconds: float = 60, source: PostgresSource | None = None
    ) -> Extract:
        """Extract a selection into the folder."""
        return (source or self.source()).extract(selection, Folder(self.folder), time.time() + seconds, "a" * 32)

    def people(self, sql: str, *, consent: Consent | None = None, **params: object) -> pa.Table:
        """Extract the column `c` of a selection, and return the rows."""
        asked = Selection((("c", "ignore"),), sql, "", params, consent)  # type: ignore[arg-type]  # what a test gives, of any type
        return self.read(self.extract(asked))

    def read(self, extract: Extract) -> pa.Table:
        """Return the rows of all parts."""
        return pa.concat_tables([pq.read_table(part.key) for part in extract.parts])

    @property
    def files(self) -> list[str]:
        """Return the names of the parts on disk, whether they belong to an extract or not."""
        return sorted(path.name for path in self.folder.glob("*.parquet")) if self.folder.exists() else []


def selection(
    sql: str, *columns: str, consent: Consent | None = None, table: str = "", **params: object
) -> Selection:
    """Return a selection of columns, or of `c` alone."""
    named = tuple((column, "ignore") for column in columns or ("c",))
    return Selection(named, sql, table, params, consent)  # type: ignore[arg-type]  # what a test gives, of any type
