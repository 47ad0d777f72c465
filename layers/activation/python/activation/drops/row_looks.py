"""Columns of which nobody said anything, and whose names and cells say whether a row may be sent at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops import row_words
from activation.drops.columns import shown_name
from activation.drops.row_filters import CONSENT, OPERATION
from activation.drops.row_words import is_date
from activation.drops.sample import Unsaid
from activation.errors import Rejected
from activation.identifiers.row_columns import Says, says, words_of
from activation.model import Action

MOST_DIFFERENT = 400  # values of a column that are looked at: one that says yes or no has a few, or dates
FITS_SHARE = 0.9
KNOWN_SHARE = 0.5  # where the name alone says consent, other answers may stand beside the known ones
FEW = 8  # different values of a column that sorts its rows, in whatever words
ROWS_OF_ONE_VALUE = 2
LONGEST = 40  # characters of such a value
LISTED = 20

# Answers that are proposed, as the settings write them.
TRUE, FALSE, BLANK, SUBSCRIBED = "[true]", "[false]", '[""]', '["subscribed"]'


def unsaid_columns(batch: pa.RecordBatch, header: Sequence[str], said: Collection[int], *, whole: bool) -> Unsaid:
    """Look at a drop's first rows; `said` are the columns that people said something of, which are not judged.

    `whole` says that these are all of its rows: then a column without a filled cell says nothing.
    """
    found = Unsaid()
    for index, name in enumerate(header):
        if index in said:
            continue
        cells = _Cells.of(batch.column(index))
        kinds = says(name)
        if not kinds and (cells is None or not cells.different or cells.rows_of(row_words.STATUS) < cells.filled):
            continue
        if cells is None:
            continue
        shown = shown_name(name, index)
        if answers := _consent(kinds, cells, whole=whole):
            found.consents[shown] = answers
        elif answers := _operation(name, kinds, cells, whole=whole):
            found.operations[shown] = answers
        if len(found.consents) + len(found.operations) >= LISTED:
            break
    return found


def in_settings(setting: str, columns: Mapping[str, str]) -> str:
    """Return what became of a drop with such columns, and what to write in a connector's settings."""
    name, answers = next(iter(columns.items()))
    ignored = " ".join(f'--map "{one}=ignore"' for one in columns)
    return (
        f'nothing was sent: set "{setting}": {{"column": "{name}", "allow": {answers}}} for the connector in the '
        f"settings, with the answers whose rows may be sent, and ignore the others; or ignore all with {ignored}"
    )


def refuse_unsaid(
    unsaid: Unsaid, action: Action, what_to_write: Callable[[str, Mapping[str, str]], str] = in_settings
) -> None:
    """Raise Rejected for a drop with such columns, before anything of it is sent.

    A drop that removes people asks for no consent, but a change file would remove those who were inserted.
    `what_to_write` returns the end of the sentence for CONSENT or OPERATION, and the columns with their answers.
    """
    if unsaid.consents and action is not Action.REMOVE:
        raise Rejected(
            "consent_unmapped",
            f"columns seem to say who may be contacted: {', '.join(unsaid.consents)}; "
            f"{what_to_write(CONSENT, unsaid.consents)}",
        )
    if unsaid.operations:
        raise Rejected(
            "operation_unmapped",
            f"columns seem to say which rows are deleted at their source: {', '.join(unsaid.operations)}; "
            f"{what_to_write(OPERATION, unsaid.operations)}",
        )


@dataclass(frozen=True)
class _Cells:
    """The different filled cells of a column, as words, with how many rows have each; `blank` counts the others.

    `texts` are the same cells as they stand.
    """

    different: Mapping[str, int]
    texts: Mapping[str, int]
    blank: int

    @classmethod
    def of(cls, column: pa.Array) -> _Cells | None:
        """Return the cells; None for a column with so many different ones that it says something else."""
        counts = pc.value_counts(column)
        if len(counts) > max(MOST_DIFFERENT, 2):
            sample = counts.field(0).slice(0, LISTED).to_pylist()
            if not all(one is None or not one.strip() or is_date(one) for one in sample):
                return None
        different: dict[str, int] = {}
        texts: dict[str, int] = {}
        blank = 0
        for one in counts.to_pylist():
            text, count = (one["values"] or "").strip(" '\t"), one["counts"]
            words = words_of(text) or (text if text in row_words.YES_NO else "")
            if words in row_words.BLANK:
                blank += count
                continue
            different[words] = different.get(words, 0) + count
            texts[text] = texts.get(text, 0) + count
        return cls(different, texts, blank)

    @property
    def filled(self) -> int:
        return sum(self.texts.values())

    def rows_of(self, words: Collection[str]) -> int:
        """Return how many rows have one of the words."""
        return sum(count for word, count in self.different.items() if word in words)

    def fit(self, words: Collection[str], *, dates: bool = False, share: float = FITS_SHARE) -> bool:
        """Return whether at least a share of the filled cells are among the words, or with `dates` are dates."""
        rows = self.rows_of(words)
        if dates:
            rows += sum(
                count for text, count in self.texts.items() if words_of(text) not in words and is_date(text)
            )
        return bool(self.filled) and rows >= share * self.filled

    @property
    def are_dates(self) -> bool:
        return self.fit((), dates=True)

    @property
    def sort_rows(self) -> bool:
        """Return whether a few short values stand in many rows, as where each is an answer."""
        return (
            0 < len(self.different) <= FEW
            and self.filled >= ROWS_OF_ONE_VALUE * len(self.different)
            and all(len(text) <= LONGEST for text in self.texts)
        )


def _consent(kinds: frozenset[Says], cells: _Cells, *, whole: bool) -> str:
    """Return the answers that allow a row, as JSON; "" where the column says nothing of consent."""
    answered = cells.fit(row_words.CONSENT, share=FITS_SHARE if Says.PERMIT in kinds else KNOWN_SHARE)
    if _are_states(kinds, cells):
        return SUBSCRIBED
    if Says.OPT_OUT in kinds:
        if not cells.filled or (cells.are_dates and not answered):
            return "" if whole and not cells.filled else BLANK
        return FALSE if answered or cells.sort_rows else ""
    if Says.CONSENT in kinds and (not cells.filled or cells.are_dates) and not answered:
        return "" if (whole if not cells.filled else not cells.blank) else TRUE
    if not kinds.isdisjoint((Says.CONSENT, Says.OPT_IN)):
        return TRUE if answered or (cells.sort_rows and not cells.are_dates) else ""
    return TRUE if Says.PERMIT in kinds and answered else ""


def _are_states(kinds: frozenset[Says], cells: _Cells) -> bool:
    """Return whether the cells are states such as subscribed and unsubscribed, whatever the column is called."""
    told = cells.rows_of(row_words.REFUSED | row_words.AGREED)
    if Says.STATUS in kinds and cells.rows_of(row_words.REFUSED):
        return True
    if kinds:
        bounced = cells.rows_of(row_words.BOUNCED)
        return bool(told or bounced) and cells.fit(row_words.STATUS | row_words.CONSENT)
    return bool(told) and cells.fit(row_words.STATUS)


def _operation(name: str, kinds: frozenset[Says], cells: _Cells, *, whole: bool) -> str:
    """Return the answers whose rows are not deleted, as JSON; "" where the column says nothing of that."""
    if Says.DELETED in kinds:
        return _deleted(cells, whole=whole)
    if Says.ACTIVE in kinds and cells.fit(row_words.FLAGS):
        return TRUE
    if Says.OPERATION in kinds:
        numbers = row_words.OPERATION_NUMBERS if name.startswith("_") else frozenset()
        return '["I", "U"]' if cells.fit(row_words.OPERATIONS | numbers) else ""
    if record := _record(kinds, cells):
        return record
    telling = cells.rows_of(row_words.TELLING_OPERATIONS) and cells.fit(row_words.OPERATIONS | row_words.KEPT)
    if telling and Says.CHANGE in kinds:
        return '["insert", "update"]'
    return '["active"]' if telling and Says.STATUS in kinds else ""


def _record(kinds: frozenset[Says], cells: _Cells) -> str:
    """Return the answers whose records are kept, where a column has the status of records, as JSON; else ""."""
    if Says.RECORD_STATE in kinds and cells.fit(row_words.RECORD_STATES):
        return '["active"]'
    if Says.RECORD_STATUS in kinds and "d" in cells.different and cells.fit(row_words.RECORD_LETTERS):
        return '["A", "C"]' if "a" in cells.different else '["I", "U"]'
    return ""


def _deleted(cells: _Cells, *, whole: bool) -> str:
    if not cells.filled:
        return "" if whole else BLANK
    if cells.fit(row_words.FLAGS):
        return FALSE
    return BLANK if cells.fit(row_words.FLAGS, dates=True) else ""
