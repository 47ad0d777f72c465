"""What the tests of extraction share: a destination on disk, a secret in memory, and a source that uses both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from activation.authentication.store import SecretVersion

from lambdas.sync.extract.postgres import PostgresSource
from lambdas.sync.extract.postgres_access import PostgresAccess
from lambdas.sync.source import Consent, Extract, Selection
from sandbox.postgres.server import PostgresServer
from sandbox.postgres.tls_proxy import TlsProxy

PASSWORD = "p:/@ w%25+d&x=1"
YES = Consent("accepts_marketing", ("true",))


class HeldSecret:
    """A secret, and how often it was read past the cache; `current` is what a rotation has written since."""

    def __init__(self, port: int) -> None:
        self.cached: dict[str, object] = {
            "username": "app", "password": PASSWORD, "host": "localhost", "port": port, "dbname": "postgres",
        }  # fmt: skip
        self.current = dict(self.cached)
        self.read_afresh = 0

    def read(self, *, afresh: bool = False) -> SecretVersion:
        """Return the secret's current version, or the cached one."""
        if afresh:
            self.read_afresh += 1
            self.cached = dict(self.current)
        return SecretVersion(json.dumps(self.cached), "1")


@dataclass(frozen=True)
class Folder:
    """A destination on disk."""

    path: Path
    bucket: str = ""

    @property
    def prefix(self) -> str:
        """Return the folder with its slash."""
        return f"{self.path}/"

    @contextmanager
    def create(self, key: str) -> Iterator[IO[bytes]]:
        """Write a file that appears at the end of the block."""
        hidden = Path(f"{key}.hidden")
        hidden.parent.mkdir(parents=True, exist_ok=True)
        with hidden.open("wb") as file:
            yield file
        hidden.rename(key)


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
        access = PostgresAccess(ca_file=self.proxy.ca_file, **{"lock_timeout_s": 1, **options})  # type: ignore[arg-type]
        return PostgresSource(access, self.secret)

    def extract(
        self, selection: Selection, *, seconds: float = 60, source: PostgresSource | None = None
    ) -> Extract:
        """Extract a selection into the folder."""
        return (source or self.source()).extract(selection, Folder(self.folder), time.time() + seconds, "a" * 32)

    def people(self, sql: str, *, consent: Consent | None = None, **params: object) -> pa.Table:
        """Extract the column `c` of a selection, and return the rows."""
        asked = Selection((("c", "ignore"),), sql, "", params, consent)  # type: ignore[arg-type]
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
    return Selection(named, sql, table, params, consent)  # type: ignore[arg-type]
