"""Rows that are not sent because of what a column says of them: no consent, or deleted at the source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.reading import Reading
from activation.drops.row_words import are_changes
from activation.errors import Rejected
from activation.identifiers.codes import Code
from activation.identifiers.column_map import columns_called
from activation.model import Action, Kind
from activation.row_rule import RowRule, Scope

# The settings' names, and that of the consent that an audience's options say.
CONSENT, AUDIENCE_CONSENT, OPERATION = "consent", "audience_consent", "operation"
NO_CONSENT = "no_consent"
DELETED_AT_SOURCE = "deleted_at_source"
NOT_DELETED = "not_deleted_at_source"
TAKEN_OUT = (NO_CONSENT, DELETED_AT_SOURCE, NOT_DELETED)
_CODES_NAMED = 5
# Rows that are taken out for what another row of their person says.
NO_CONSENT_ELSEWHERE = "no_consent_elsewhere"
DELETED_ELSEWHERE = "deleted_elsewhere"
ELSEWHERE = {NO_CONSENT: NO_CONSENT_ELSEWHERE, DELETED_AT_SOURCE: DELETED_ELSEWHERE}
# Rows that an undo leaves out, since other runs have sent their people too, or may have.
SENT_BY_OTHERS = "sent_by_other_runs"
NOT_TOLD_APART = "not_told_apart"
LEFT_IN = (SENT_BY_OTHERS, NOT_TOLD_APART)


@dataclass(frozen=True)
class RowFilter:
    """`indexes` are the columns of a rule, `allow` its answers, `code` why the other rows are not sent.

    `scope` says which rows of a person a no takes out beside its own, and `keys` are the columns with the id of
    the person's record. With `removes` it is the rows with one of the answers, and the blank ones, that are not
    sent.
    """

    setting: str
    indexes: tuple[int, ...]
    allow: tuple[str, ...]
    code: str
    removes: bool = False
    scope: Scope = Scope.ROW
    keys: tuple[int, ...] = ()

    @property
    def reaches(self) -> bool:
        """Return whether a no takes out other rows, so that the whole file has to be read before any is sent."""
        return self.scope is not Scope.ROW

    def allowed(self, columns: pa.RecordBatch) -> pa.Array:
        """Return which rows are sent: those with an allowed answer in each of the columns, or in none of them."""
        answers = pa.array([*self.allow, *([""] if self.removes else [])], pa.string())
        masks = [pc.is_in(_folded(columns.column(index)), answers) for index in self.indexes]
        masks = [pc.invert(mask) for mask in masks] if self.removes else masks
        found = masks[0]
        for mask in masks[1:]:
            found = pc.and_(found, mask)
        return found


def row_filters(
    reading: Reading, header: Sequence[str], kind: Kind, action: Action, *, in_order: bool = True
) -> tuple[RowFilter, ...]:
    """Return the filters of a drop; `in_order` says that its rows may have an order, unlike a folder's.

    One that removes people asks for no consent, since who said no may leave. Of a file with a column of operations
    it removes the deleted rows alone; a file without one is a list of people to remove.

    Raises Rejected where a file that adds people lacks a rule's column: nobody knows then who may be sent.
    """
    header = () if kind.single else header
    if action is Action.REMOVE:
        rule = reading.operation
        indexes = tuple(index for name in rule.columns for index in columns_called(name, header))
        return (RowFilter(OPERATION, indexes, rule.allow, NOT_DELETED, removes=True),) if indexes else ()
    return tuple(_filters(reading, header, in_order=in_order))


def ends_empty(action: Action, codes: Collection[str]) -> bool:
    """Return whether a drop of which no row was sent is as it should be, by the `codes` of its rejected rows.

    A change file may hold deleted rows alone. To replace an audience by nobody is never taken to be meant.
    """
    return action in (Action.ADD, Action.REMOVE) and set(codes) <= {
        *TAKEN_OUT,
        *ELSEWHERE.values(),
        *LEFT_IN,
        Code.SUPPRESSED.value,
    }


def none_sent(rejected: Mapping[str, int]) -> Rejected:
    """Return the refusal of a drop of which no row was sent; `rejected` counts its rows by code."""
    named = sorted(rejected.items(), key=lambda one: (-one[1], one[0]))[:_CODES_NAMED]
    codes = ", ".join(f"{code} {rows:,}" for code, rows in named)
    more = f", and {len(rejected) - _CODES_NAMED} other codes" if len(rejected) > _CODES_NAMED else ""
    return Rejected(
        "all_rows_rejected",
        f"every row was rejected: {codes}{more}; docs/codes.md says what to do about each code",
    )


def asks_in_vain(reading: Reading, header: Sequence[str], kind: Kind, action: Action) -> bool:
    """Return whether a drop that removes people has the column of consent, which is not looked at there."""
    removes = action is Action.REMOVE and kind.single is None
    columns = [name for _, rule in reading.consents for name in rule.columns]
    return removes and any(columns_called(name, header) for name in columns)


def reaching(reading: Reading, action: Action) -> tuple[str, ...]:
    """Return the settings' names of the rules by which a no takes out other rows of its person, too."""
    rules = (*reading.consents, (OPERATION, reading.operation))
    found = (name for name, rule in rules if rule and scope_of(name, rule) is not Scope.ROW)
    return () if action is Action.REMOVE else tuple(found)


def scope_of(setting: str, rule: RowRule, *, in_order: bool = True) -> Scope:
    """Return a rule's scope: the one that the settings name, else the one of its kind.

    An answer to a question of consent is its row's. Of a log of changes the last row of a person is the truth:
    who is inserted, deleted and inserted again is there. Any other column of deletions is a state without an order
    (a flag, a date), and so are the files of a folder, which several writers write at once: a person with one
    deleted row is in doubt there, and left out.
    """
    if rule.scope is not None:
        return rule.scope
    if setting != OPERATION:
        return Scope.ROW
    return Scope.LAST if in_order and are_changes(rule.allow) else Scope.IDENTIFIERS


def _filters(reading: Reading, header: Sequence[str], *, in_order: bool) -> Iterator[RowFilter]:
    for name, rule in reading.consents:
        indexes, keys, missing = _found(rule, header)
        if missing:
            raise Rejected("consent_missing", _missing(name, missing))
        scope = scope_of(name, rule, in_order=in_order)
        yield RowFilter(name, indexes, rule.allow, NO_CONSENT, scope=scope, keys=keys)
    if reading.operation:
        indexes, keys, missing = _found(reading.operation, header)
        if missing:
            raise Rejected("operation_missing", _missing(OPERATION, missing))
        scope = scope_of(OPERATION, reading.operation, in_order=in_order)
        yield RowFilter(OPERATION, indexes, reading.operation.allow, DELETED_AT_SOURCE, scope=scope, keys=keys)


def _found(rule: RowRule, header: Sequence[str]) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Return a rule's columns, those of its key, and the name of one that the file lacks, "" for none."""
    found = {name: columns_called(name, header) for name in rule.columns}
    keys = columns_called(rule.key, header)
    missing = [name for name, indexes in found.items() if not indexes]
    missing += [rule.key] if not keys else []
    indexes = tuple(dict.fromkeys(index for of_name in found.values() for index in of_name))
    return indexes, keys, next(iter(missing), "")


def _missing(setting: str, column: str) -> str:
    whose, name = ("audience", CONSENT) if setting == AUDIENCE_CONSENT else ("connector", setting)
    where = "its options" if setting == AUDIENCE_CONSENT else "the settings"
    return (
        f"the file has no column {column!r}, which the {whose}'s {name} reads; nothing was sent: export "
        f"the column with its header, or correct {name} in {where}"
    )


def _folded(column: pa.Array) -> pa.Array:
    texts = pc.utf8_normalize(pc.fill_null(column, ""), form="NFC")
    return pc.utf8_lower(pc.utf8_trim_whitespace(texts))
