"""A session with a PostgreSQL: one read-only transaction in which everything is of the same moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import boto3
import pyarrow as pa
from activation.authentication.store import SecretVersion
from adbc_driver_manager import dbapi
from adbc_driver_postgresql import StatementOptions

from lambdas.sync.extract.postgres_access import RDS_ROOTS, Login, PostgresAccess, login
from lambdas.sync.extract.postgres_connections import connect
from lambdas.sync.extract.postgres_errors import LoginRefused, of_connection, of_statement, speaks_english
from lambdas.sync.source import denied

# How much a batch of rows takes, about; the driver's own default is four times as much.
_BATCH_BYTES = 4 * 1024 * 1024
# What the driver raises: while rows are read, these are Arrow's errors, of which some are OSErrors.
_FAILED = (dbapi.Error, pa.ArrowException, OSError)
_FORMS = {
    "datestyle": "ISO, YMD", "timezone": "UTC", "extra_float_digits": "1", "standard_conforming_strings": "on",
}  # fmt: skip


class Secret(Protocol):
    """Where the login is kept, such as a SecretStore."""

    def read(self, *, afresh: bool = False) -> SecretVersion:
        """Return the secret's current version, past any cache if `afresh`."""


class Session:
    """A transaction of a connection. Raises what `of_statement` returns."""

    def __init__(self, connection: dbapi.Connection) -> None:
        self._connection = connection
        self._english = True  # until `configure`; what has no SQLSTATE comes with rows, which are read later

    def configure(self, settings: Mapping[str, str]) -> None:
        """Set settings for the transaction, and heed the language of the server's messages."""
        chosen = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settings.items())
        ((*_, lc_messages),) = self.rows(f"select {chosen}, current_setting('lc_messages')")
        self._english = speaks_english(str(lc_messages))

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Return the few rows of a query."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, tuple(parameters) or None)
                return list(cursor.fetchall())
        except _FAILED as error:
            raise of_statement(error, english=self._english) from None

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Execute a statement and return how many rows it changed, or -1 where that is not known."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, tuple(parameters) or None)
                return int(cursor.rowcount)
        except _FAILED as error:
            raise of_statement(error, english=self._english) from None

    def names(self, query: str) -> list[str]:
        """Return the names of a query's columns, without executing it."""
        try:
            with self._connection.cursor() as cursor:
                return list(cursor.adbc_execute_schema(query).names)
        except _FAILED as error:
            raise of_statement(error, english=self._english) from None

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query without parameters, which are never all in memory.

        They come by COPY (SELECT ...) in binary. With parameters the driver would fetch the whole result first.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: _BATCH_BYTES})
                cursor.execute(query)
                yield from cursor.fetch_record_batch()
        except _FAILED as error:
            raise of_statement(error, english=self._english) from None

    def commit(self) -> None:
        """End the transaction, keeping what it changed."""
        try:
            self._connection.commit()
        except _FAILED as error:
            raise of_statement(error, english=self._english) from None


@contextmanager
def session(
    access: PostgresAccess, secret: Secret | None, *, timeout_s: float, writes: bool = False
) -> Iterator[Session]:
    """Open a transaction; without `writes` it is one read-only snapshot. `timeout_s` is a statement's limit.

    `secret` may be None for a login by IAM whose user the settings name. The secret is read once more when the
    login is refused, as the password may have been replaced since.

    Raises Retryable (source_unreachable; source_denied for a password, which may be in the middle of its rotation)
    and ConfigError (source_denied, source_not_configured).
    """
    connection = _connected(access, secret)
    try:
        yield _begun(Session(connection), access, timeout_s=timeout_s, writes=writes)
    finally:
        _close(connection)


def _begun(begun: Session, access: PostgresAccess, *, timeout_s: float, writes: bool) -> Session:
    # In the transaction, and not as options of the connection: RDS Proxy and PgBouncer refuse or forget those.
    if not writes:
        begun.execute("set transaction isolation level repeatable read read only")
    settings = {
        **_FORMS,
        "statement_timeout": str(max(1, int(min(timeout_s, access.statement_timeout_s) * 1000))),
        "lock_timeout": str(access.lock_timeout_s * 1000),
    }
    begun.configure(settings)
    return begun


def _connected(access: PostgresAccess, secret: Secret | None) -> dbapi.Connection:
    def connected(*, afresh: bool) -> dbapi.Connection:
        values = secret.read(afresh=afresh).values if secret else {}
        return _connect(login(access, values, _token if access.uses_iam else None), access)

    try:
        try:
            return connected(afresh=False)
        except LoginRefused:
            if access.uses_iam:
                raise
            return connected(afresh=True)
    except LoginRefused as refused:
        if access.uses_iam and refused.wrong_password:
            raise denied(
                "the database does not accept the function's role: grant rds_iam to the user there, and"
                " rds-db:connect for it to the role"
            ) from None
        raise refused.error from None


def _connect(way: Login, access: PostgresAccess) -> dbapi.Connection:
    try:
        opened: dbapi.Connection = connect(way.uri(access.ca_file or RDS_ROOTS))
    except _FAILED as error:
        raise of_connection(error) from None
    return opened


def _token(host: str, port: int, user: str) -> str:
    """Return a password for a login by IAM: a request that AWS signs here, good for 15 minutes.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html, read 2026-11-30.
    """
    token: str = boto3.client("rds").generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
    return token


def _close(connection: dbapi.Connection) -> None:
    try:
        connection.close()
    except (*_FAILED, RuntimeError):  # cut, or left in the middle of its rows
        return
