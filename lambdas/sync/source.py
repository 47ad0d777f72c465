"""What a source is asked for and what it answers: the types between a declaration and its extraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Protocol

from activation.errors import ConfigError, Retryable

Scalar = str | int | float | bool
Parameter = Scalar | tuple[Scalar, ...]

UNREACHABLE = "source_unreachable"
RUNNING = "source_running"
DENIED = "source_denied"
SELECTION_FAILED = "selection_failed"
COLUMN_MISSING = "column_missing"
NOT_UNDERSTOOD = "column_not_understood"
CONSENT_MISSING = "consent_missing"
NOT_CONFIGURED = "source_not_configured"
_NAMES_SHOWN = 20


@dataclass(frozen=True)
class Consent:
    """Who may be sent: rows whose `column` holds one of `allow`, compared as folded texts (true, yes, 1).

    A null and every other value are `no_consent`. A column that is absent, or whose type is not understood, stops
    the extraction: that nobody said yes is never concluded from it.
    """

    column: str
    allow: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """The people that a declaration selects.

    `sql` is one SELECT, or "" where `table` names a table or view, with or without its schema. `params` are the
    values of the parameters that `sql` names as `:name`; a tuple stands for a list, as in `tenant_id IN :tenants`,
    and is never empty. `columns` are the columns to extract and the field that each is, as in `--map` (`email`,
    `phone`, `ignore`). `consent` is None where the declaration says that everybody who is selected has consented.
    """

    columns: tuple[tuple[str, str], ...]
    sql: str = ""
    table: str = ""
    params: Mapping[str, Parameter] = field(default_factory=dict)
    consent: Consent | None = None


class Destination(Protocol):
    """Where the parts of one extraction go: objects below `prefix`, which ends in a slash, or local files."""

    @property
    def bucket(self) -> str:
        """The bucket's name, "" for a local folder."""

    @property
    def prefix(self) -> str:
        """How the keys of all parts begin, different for each attempt at an extraction."""

    def create(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """Open a part for writing; it exists once the block ends without an error, and not before."""


@dataclass(frozen=True)
class Part:
    """One file of an extraction: its key, its size in bytes, and its rows."""

    key: str
    size_bytes: int
    rows: int


@dataclass(frozen=True)
class Extract:
    """What an extraction wrote.

    `parts` are Parquet files with a column for each of the selection's, by its name in the source, and one for the
    column of consent. There is at least one, which has no rows where nobody was selected. `rows_read` is how many
    rows the source returned; `left_out` counts those that are in no part, by code (`no_consent`). So
    `rows_read = rows + sum(left_out.values())`.
    """

    parts: tuple[Part, ...]
    rows_read: int
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Return the rows of all parts."""
        return sum(part.rows for part in self.parts)


class Source(Protocol):
    """A database or lake that people are selected from. It is only ever read."""

    def extract(self, selection: Selection, into: Destination, deadline: float, token: str) -> Extract:
        """Write the selected people, as one snapshot of the source, into parts.

        `deadline` is the Unix time by which it ends, with an error if need be. `token` names the attempt, 32 hex
        digits: a source that works in the background recognises a repeated call by it.

        Raises Retryable: source_unreachable (down, cut, failing over, too slow), source_running (works on in the
        background: call again with the same token after `after_s`). Raises ConfigError: source_denied,
        source_not_configured, selection_failed, column_missing, column_not_understood, consent_missing. No
        sentence holds a value of the source, nor the source's own message, which may quote one.
        """


def unreachable(what: str, *, after_s: float = 60.0) -> Retryable:
    """Return the error of a source that may answer later; `what` says what failed ("the connection was cut")."""
    return Retryable(UNREACHABLE, what, after_s=after_s)


def still_running(after_s: float) -> Retryable:
    """Return the error of a source that works on in the background."""
    return Retryable("source_running", "the source is still working on the selection", after_s=after_s)


def column_missing(column: str, names: Sequence[str] = ()) -> ConfigError:
    """Return the error of a selection that lacks a declared column; `names` are those it has, if known."""
    has = f" (it has {', '.join(names[:_NAMES_SHOWN])}{', ...' if names[_NAMES_SHOWN:] else ''})" if names else ""
    return ConfigError(
        COLUMN_MISSING,
        f"the selection has no column {column!r}{has}: select it, or correct `columns` in the declaration",
    )


def column_not_understood(column: str, form: str) -> ConfigError:
    """Return the error of a column whose type cannot be read for sure; `form` is the type's name."""
    return ConfigError(
        NOT_UNDERSTOOD,
        f"the column {column!r} has the type {form}, which is not understood: cast it to text in the SQL",
    )


def consent_missing(column: str, why: str) -> ConfigError:
    """Return the error of a column of consent that is absent or cannot be read; `why` says which."""
    return ConfigError(
        CONSENT_MISSING,
        f"the column of consent {column!r} {why}: nothing is sent and nobody is removed; select it, or correct"
        f" `consent` in the declaration",
    )


def selection_failed(state: str) -> ConfigError:
    """Return the error of a SELECT that the source refuses for good; `state` is its code for that (42P01)."""
    return ConfigError(
        SELECTION_FAILED, f"the source refuses the selection ({state}): correct the SQL or the table"
    )


def denied(what: str) -> ConfigError:
    """Return the error of a source that refuses the login or the read; `what` says which, and what to grant."""
    return ConfigError("source_denied", what)


def not_configured(what: str) -> ConfigError:
    """Return the error of a source whose settings or secret lack something; `what` says what to write where."""
    return ConfigError(NOT_CONFIGURED, what)
