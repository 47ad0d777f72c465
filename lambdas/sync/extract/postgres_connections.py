"""Connections to a PostgreSQL, for which what the driver knows of a database is read once in a process.

The driver connects to a database to read its types, closes that connection, and connects again for each session.
Here the types are kept for the next session. One that is newer than them is passed on as bytes, which no selection
ever is: the server writes all columns as text (column_forms.py). No connection is kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from adbc_driver_manager import AdbcConnection, AdbcDatabase, dbapi
from adbc_driver_postgresql import connect as connect_database

# Logins whose types are kept, each under its address with the password in it, in this process's memory alone: each
# rotated password, and each token for a login by IAM, makes a new one.
_KEPT = 4


class _Kept:
    """A database that the end of a connection does not close."""

    def __init__(self, database: AdbcDatabase) -> None:
        self.database = database

    def close(self) -> None:
        """Leave it open: it has no connection of its own."""


def connect(uri: str) -> dbapi.Connection:
    """Open a connection in a transaction; raises what the driver raises."""
    kept = _database(uri)
    connection = AdbcConnection(kept.database)
    try:
        # As the driver's own `connect` does it; of the database, it only ever calls `close`.
        return dbapi.Connection(cast(AdbcDatabase, kept), connection)
    except BaseException:
        connection.close()
        raise


@lru_cache(maxsize=_KEPT)
def _database(uri: str) -> _Kept:
    return _Kept(connect_database(uri))
