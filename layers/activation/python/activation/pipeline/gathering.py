"""People to whom a row says no, and ids of events, gathered from the whole drop before anything of it is sent.

A person is recognised by what identifies alone (an address, a number, an id, in any column of the row), and by the
id of the record where the settings name its column. A name or a postal code is many people's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from activation.drops.chunk import Chunk
from activation.drops.row_filters import OPERATION, RowFilter
from activation.errors import Rejected
from activation.identifiers import event_repeats, event_rows
from activation.identifiers.assign import Use
from activation.identifiers.event_rules import EventRules
from activation.identifiers.join import every_value, join
from activation.identifiers.needed import identifies_alone
from activation.identifiers.refused import EVERY_ROW, Refused, keyed, with_rows
from activation.identifiers.row_country import countries_of_rows
from activation.pipeline.batching import Batcher
from activation.pipeline.refusals import record_ids
from activation.pipeline.repeats import EVENT_IDS
from activation.row_rule import Scope

PIECE = 250_000  # digests with their rows that are held until they are kept as a set
MOST = 1_000_000  # different identifiers of a drop: 24 MB in each of its workers
MOST_PIECES = 200  # the ledger's record names them


# Keeps a filter's set of the rows from the first to the last one, by the filter's setting.
Keep = Callable[[str, int, int, Refused], None]


@dataclass
class Gathering:
    """Gathers the identifiers of the rows to which filters say no, chunk by chunk.

    `batcher` says how the drop's cells are read. `key` is that of the digests. `keep` is handed each PIECE of
    them, and what is left by `finish`.
    """

    batcher: Batcher
    key: str = field(repr=False)
    keep: Keep
    _found: dict[str, list[pa.Table]] = field(default_factory=dict)
    _first_row: int = 0
    _last_row: int = 0
    _pieces: int = 0

    def look(self, chunk: Chunk) -> None:
        """Gather from a chunk.

        Raises Rejected: operation_unkeyed where nothing says whom a row of a log of changes deletes,
        too_many_refused where the rows that say no are too many.
        """
        self._first_row = self._first_row or chunk.first_row
        self._last_row = chunk.first_row + chunk.row_count - 1
        for one in self.batcher.filters:
            if not one.reaches or not chunk.columns.num_rows:
                continue
            refusing = pc.invert(one.allowed(chunk.columns))
            if pc.any(refusing, min_count=0).as_py():
                self._gather(one, chunk, refusing)
        if self.batcher.table.events is not None:
            self._gather_events(self.batcher.table.events, chunk)
        if sum(len(table) for tables in self._found.values() for table in tables) >= PIECE:
            self.finish()

    def finish(self) -> None:
        """Keep what was gathered since the last piece; raises as `look` does."""
        for setting, tables in self._found.items():
            self._pieces += 1
            if self._pieces > MOST_PIECES:
                raise too_many()
            found = event_repeats.piece_of(tables) if setting == EVENT_IDS else Refused.of(tables)
            self.keep(setting, self._first_row, self._last_row, found)
        self._found, self._first_row = {}, 0

    def _gather(self, one: RowFilter, chunk: Chunk, refusing: pa.Array) -> None:
        columns, rows = chunk.columns.filter(refusing), chunk.rows.filter(refusing)
        holds_for = rows if one.scope is Scope.LAST else pa.repeat(pa.scalar(EVERY_ROW), len(rows))
        named = pa.repeat(pa.scalar(False), len(rows))
        for values in self._values(one, columns):
            named = pc.or_(named, values.is_valid())
            if values.null_count < len(values):
                self._found.setdefault(one.setting, []).append(with_rows(keyed(self.key, values), holds_for))
        if one.setting == OPERATION and one.scope is Scope.LAST:
            unkeyed = rows.filter(pc.and_not(self._blank(columns), named))
            if len(unkeyed):
                raise Rejected("operation_unkeyed", _unkeyed(chunk.spoken(unkeyed[0].as_py())))

    def _gather_events(self, rules: EventRules, chunk: Chunk) -> None:
        """Gather the ids that events have of themselves, but for those of rows that are not sent.

        These are the ones that the filters take out, and lines of an order whose first line alone has its value.
        """
        batcher, sent = self.batcher, {}
        chunk, _ = batcher.filtered(chunk)
        for index, one in batcher.fields:
            if one.key in (rules.name, rules.id, rules.order):
                uses = batcher.several.get(one.key, (Use(index),))
                sent[one.key] = join(one, uses, chunk.columns, batcher.context, hashed=batcher.hashed).column.sent
        names = event_rows.own_names(rules, sent, len(chunk.rows), self.key)
        for need in rules.needs_of_names:
            names = event_rows.without(names, need, sent.get(need.of), self._empty(need.keys, chunk.columns))
        if names.null_count < len(names):
            self._found.setdefault(EVENT_IDS, []).append(event_repeats.digests_of(names))

    def _empty(self, keys: Collection[str], columns: pa.RecordBatch) -> pa.Array | None:
        """Mask the rows with nothing at all in the columns of some fields, None where there is no such row."""
        empty = None
        for index, one in self.batcher.fields:
            for use in self.batcher.several.get(one.key, (Use(index),)) if one.key in keys else ():
                if use.index < 0:
                    return None  # every row has a value
                cells = columns.column(use.index).cast(pa.string())
                if not cells.null_count and pc.min(pc.binary_length(cells)).as_py():
                    return None
                here = pc.fill_null(pc.equal(cells, ""), fill_value=True)
                empty = here if empty is None else pc.and_(empty, here)
        return empty if empty is not None and pc.any(empty, min_count=0).as_py() else None

    def _blank(self, columns: pa.RecordBatch) -> pa.Array:
        """Mask the rows without a cell under what identifies; an unusable one names nobody in other rows."""
        blank = pa.repeat(pa.scalar(True), columns.num_rows)
        for index, each in self.batcher.fields:
            for use in self.batcher.several.get(each.key, (Use(index),)) if identifies_alone(each) else ():
                if use.index >= 0:
                    texts = pc.utf8_trim_whitespace(columns.column(use.index).cast(pa.string()))
                    blank = pc.and_(blank, pc.fill_null(pc.equal(texts, ""), fill_value=True))
        return blank

    def _values(self, one: RowFilter, columns: pa.RecordBatch) -> Iterator[pa.Array]:
        batcher = self.batcher
        countries = countries_of_rows(batcher.fields, batcher.several, columns, batcher.ignored)
        for index, each in batcher.fields:
            if identifies_alone(each):
                uses = batcher.several.get(each.key, (Use(index),))
                yield from every_value(each, uses, columns, batcher.context, countries, hashed=batcher.hashed)
        yield from record_ids(one, columns)


def together(pieces: Mapping[str, Sequence[Callable[[], Refused]]]) -> dict[str, Refused]:
    """Return each setting's whole set from its pieces, read one by one; raises Rejected with too_many_refused."""
    found: dict[str, Refused] = {}
    for setting, reads in pieces.items():
        if setting == EVENT_IDS:
            found[setting] = event_repeats.repeated(reads)
            continue
        whole = Refused()
        for read in reads:
            whole = whole.joined([read()])
            if len(whole) + sum(map(len, found.values())) > MOST:
                raise too_many()
        found[setting] = whole
    return found


def too_many() -> Rejected:
    """Return the refusal of a drop with too many people to whom its rows say no."""
    return Rejected(
        "too_many_refused",
        f"the rows that say no hold more than {MOST:,} different identifiers, all that a worker has room for; "
        'nothing was sent: export only rows that may be sent, or set "scope": "row" for the rule in the settings',
    )


def _unkeyed(row: str) -> str:
    return (
        f"{row} deletes somebody, and holds nothing that says whom; nothing was sent: name the column with "
        'the id of the record as "key" of operation in the settings, or set its "scope" to "row", by which a '
        "person is added whom a later row deletes"
    )
