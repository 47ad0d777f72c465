"""Rows that are not sent because of what a column says of them: no consent, or deleted at the source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.reading import Reading
from activation.errors import Rejected
from activation.identifiers.column_map import columns_called
from activation.identifiers.row_rules import RowRule
from activation.model import Action, Kind

CONSENT, OPERATION = "consent", "operation"  # the settings' names
NO_CONSENT = "no_consent"
DELETED_AT_SOURCE = "deleted_at_source"
NOT_DELETED = "not_deleted_at_source"
TAKEN_OUT = (NO_CONSENT, DELETED_AT_SOURCE, NOT_DELETED)


@dataclass(frozen=True)
class RowFilter:
    """`indexes` are the columns of a rule, `allow` its answers, `code` why the other rows are not sent.

    With `removes` it is the rows with one of the answers, and the blank ones, that are not sent.
    """

    setting: str
    indexes: tuple[int, ...]
    allow: tuple[str, ...]
    code: str
    removes: bool = False

    def allowed(self, columns: pa.RecordBatch) -> pa.Array:
        """Return which rows are sent: those with an allowed answer in each of the columns, or in none of them."""
        answers = pa.array([*self.allow, *([""] if self.removes else [])], pa.string())
        masks = [pc.is_in(_folded(columns.column(index)), answers) for index in self.indexes]
        masks = [pc.invert(mask) for mask in masks] if self.removes else masks
        found = masks[0]
        for mask in masks[1:]:
            found = pc.and_(found, mask)
        return found


def row_filters(reading: Reading, header: Sequence[str], kind: Kind, action: Action) -> tuple[RowFilter, ...]:
    """Return the filters of a drop.

    One that removes people asks for no consent, since who said no may leave. Of a file with a column of operations
    it removes the deleted rows alone; a file without one is a list of people to remove.

    Raises Rejected where a file that adds people lacks a rule's column: nobody knows then who may be sent.
    """
    header = () if kind.single else header
    if action is Action.REMOVE:
        rule = reading.operation
        indexes = columns_called(rule.column, header) if rule else ()
        return (RowFilter(OPERATION, indexes, rule.allow, NOT_DELETED, removes=True),) if indexes else ()
    return tuple(_filters(reading, header))


def ends_empty(action: Action, codes: Collection[str]) -> bool:
    """Return whether a drop of which no row was sent is as it should be, by the `codes` of its rejected rows.

    A change file may hold deleted rows alone. To replace an audience by nobody is never taken to be meant.
    """
    return action in (Action.ADD, Action.REMOVE) and set(codes) <= set(TAKEN_OUT)


def asks_in_vain(reading: Reading, header: Sequence[str], kind: Kind, action: Action) -> bool:
    """Return whether a drop that removes people has the column of consent, which is not looked at there."""
    removes = action is Action.REMOVE and kind.single is None and bool(reading.consent)
    return removes and bool(columns_called(reading.consent.column, header))


def _filters(reading: Reading, header: Sequence[str]) -> Iterator[RowFilter]:
    if reading.consent:
        indexes = columns_called(reading.consent.column, header)
        if not indexes:
            raise Rejected("consent_missing", _missing(CONSENT, reading.consent))
        yield RowFilter(CONSENT, indexes, reading.consent.allow, NO_CONSENT)
    if reading.operation:
        indexes = columns_called(reading.operation.column, header)
        if not indexes:
            raise Rejected("operation_missing", _missing(OPERATION, reading.operation))
        yield RowFilter(OPERATION, indexes, reading.operation.allow, DELETED_AT_SOURCE)


def _missing(setting: str, rule: RowRule) -> str:
    return (
        f"the file has no column {rule.column!r}, which the connector's {setting} reads; nothing was sent: export "
        f"the column with its header, or correct {setting} in the settings"
    )


def _folded(column: pa.Array) -> pa.Array:
    texts = pc.utf8_normalize(pc.fill_null(column, ""), form="NFC")
    return pc.utf8_lower(pc.utf8_trim_whitespace(texts))
