"""What of the lines that are no longer wanted is removed, and whose lines are sent again after it.

Lines that identify nobody by an address, a phone or the like, but by a name and a postal code together, are
removed as they were sent, unless a wanted line has all of these cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.cells_file import as_values
from activation.mirror.changes import NO_KEYS, NO_PLACES, Found
from activation.mirror.delta import PartWriter
from activation.mirror.described import remove_described
from activation.mirror.lines import ROW
from activation.mirror.lines_at import KEY, lines_at
from activation.mirror.packing import Values, give_back
from activation.mirror.piece import open_cells, open_keys
from activation.mirror.probe import Probe
from activation.mirror.store import Pieces

Places = dict[str, list[pa.Array]]
_LOOKED_UP_AT_ONCE = 65_536
_JOINED_LINES = 32_768


@dataclass
class Removal:
    """What is removed of unwanted lines, and what that touches.

    `left` lines have no identifier that a wanted line has, and `held` lines no other. By piece of the candidate,
    `sharing` are the places of lines that share an identifier with an unwanted line or with another line of its
    source row, and `neighbours` of those that share one with a line that is removed, or another of its row.
    """

    left: int = 0
    held: int = 0
    sharing: Places = field(default_factory=dict)
    neighbours: Places = field(default_factory=dict)


@dataclass(frozen=True)
class _Sharing:
    """Lines of a piece of the candidate that share an identifier with unwanted ones.

    `lines` are their identifiers, None where they are too many to be kept.
    """

    piece: str
    places: pa.Array
    lines: pa.RecordBatch | None


def remove(
    pieces: Pieces,
    unwanted: Iterable[Found],
    candidate: Sequence[str],
    alone: Collection[str],
    removes: PartWriter,
    *,
    at_most: int,
) -> Removal:
    """Write what is removed of the unwanted lines, at most so many of them in memory.

    `candidate` are the pieces of the wanted lines.
    """
    removal = Removal()
    described: list[Found] = []
    for batches, siblings in _some(pieces, unwanted, alone, described, at_most):
        held, sharing = _share(pieces, [*batches, *siblings], candidate, alone, at_most)
        # A further address has a line of its own: the platform knows whose it is, and the list by its row.
        linked = {name: Values(one[name] for one in siblings if name in one.schema.names) for name in alone}
        for batch in batches:
            _remove_unheld(batch, held, linked, removes, removal)
        for one in sharing:
            removal.sharing.setdefault(one.piece, []).append(one.places)
            near = _near(pieces, one, linked)
            if len(near):
                removal.neighbours.setdefault(one.piece, []).append(near)
    left, held_lines = remove_described(pieces, described, candidate, removes, at_most)
    removal.left += left
    removal.held += held_lines
    return removal


def _some(
    pieces: Pieces, unwanted: Iterable[Found], alone: Collection[str], described: list[Found], at_most: int
) -> Iterator[tuple[list[pa.RecordBatch], list[pa.RecordBatch]]]:
    """Yield the identifiers and keys of lines, about `at_most` at a time; lines without any go to `described`.

    Beside them come those of all lines of source rows that have several, and an unwanted one among them.
    """
    batches: list[pa.RecordBatch] = []
    siblings: list[pa.RecordBatch] = []
    count = 0
    for one, mates in _slices(pieces, unwanted, max(1, at_most // 4)):
        siblings += _large(lines for _, lines in lines_at(pieces, mates, alone))
        count += len(mates.places)
        for places, lines in lines_at(pieces, one, alone):
            names = [name for name in lines.schema.names if name not in (KEY, ROW)]
            has = _any([lines[name].is_valid() for name in names], len(lines))
            if not pc.all(has, min_count=0).as_py():
                without = pc.invert(has)
                described.append(Found(one.piece, places.filter(without), lines[KEY].filter(without)))
                lines = lines.filter(has)  # noqa: PLW2901  what is left of it
            if len(lines):
                batches.append(lines)
                count += len(lines)
            if count >= at_most and not siblings:
                yield _large(batches), siblings
                batches, count = [], 0
        if count >= at_most:
            yield _large(batches), siblings
            batches, siblings, count = [], [], 0
    if batches or siblings:
        yield _large(batches), siblings


def _slices(pieces: Pieces, unwanted: Iterable[Found], at_most: int) -> Iterator[tuple[Found, Found]]:
    """Yield lines, so many at a time, each with all lines of those of their source rows that have several."""
    for one in unwanted:
        keys = open_keys(pieces, one.piece)
        if not keys.has_rows:
            yield one, Found(one.piece, NO_PLACES, NO_KEYS)
            continue
        rows = keys.rows()
        for begin in range(0, len(one.places), at_most):
            some = Found(one.piece, one.places.slice(begin, at_most), one.keys.slice(begin, at_most))
            counts = rows.filter(pc.is_in(rows, rows.take(some.places))).value_counts()
            several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
            places = pc.indices_nonzero(pc.is_in(rows, several)).cast(pa.uint32())
            yield some, Found(one.piece, places, pa.nulls(len(places), pa.uint64()))


def _large(batches: Iterable[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches joined where they are of one schema: a set of values is built once for each."""
    joined: list[pa.RecordBatch] = []
    waiting: list[pa.RecordBatch] = []
    for one in batches:
        if waiting and (sum(map(len, waiting)) >= _JOINED_LINES or waiting[0].schema != one.schema):
            joined.append(pa.concat_batches(waiting))
            waiting = []
        waiting.append(one)
    return [*joined, pa.concat_batches(waiting)] if waiting else joined


def _share(
    pieces: Pieces,
    batches: Sequence[pa.RecordBatch],
    candidate: Sequence[str],
    alone: Collection[str],
    at_most: int,
) -> tuple[Mapping[str, Values], list[_Sharing]]:
    """Return the identifiers of unwanted lines that wanted ones have, and the lines that have them."""
    looked_for = {name: Values(batch[name] for batch in batches if name in batch.schema.names) for name in alone}
    probes = {name: Probe(values) for name, values in looked_for.items()}
    held = {name: Values() for name in alone}
    sharing: list[_Sharing] = []
    kept = 0
    for piece in candidate:
        for places, lines in _perhaps(pieces, piece, probes):
            masks = []
            for name in lines.schema.names:
                mask = pc.is_in(lines[name], looked_for[name].of_type(lines[name].type))
                held[name].add(lines[name].filter(mask))
                masks.append(mask)
            shares = _any(masks, len(lines))
            kept += len(lines)
            sharing.append(
                _Sharing(piece, places.filter(shares), lines.filter(shares) if kept <= at_most else None)
            )
    return held, sharing


def _perhaps(pieces: Pieces, piece: str, probes: Mapping[str, Probe]) -> Iterator[tuple[pa.Array, pa.RecordBatch]]:
    """Yield the identifiers of all lines of a piece that may share one, with their places, many at a time."""
    waiting: list[tuple[pa.Array, pa.RecordBatch]] = []
    count = 0
    give_back()
    for begin, stored in open_cells(pieces, piece).batches(probes):
        lines = pa.record_batch([*map(as_values, stored.columns)], names=stored.schema.names)
        perhaps = _any([probes[name].perhaps(lines[name]) for name in lines.schema.names], len(lines))
        places = pc.add(pc.indices_nonzero(perhaps).cast(pa.uint32()), pa.scalar(begin, pa.uint32()))
        if len(places):
            waiting.append((places, lines.filter(perhaps)))
            count += len(places)
        if count >= _LOOKED_UP_AT_ONCE:
            yield _joined(waiting)
            waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(some: Sequence[tuple[pa.Array, pa.RecordBatch]]) -> tuple[pa.Array, pa.RecordBatch]:
    places, batches = zip(*some, strict=True)
    return pa.concat_arrays(places), pa.concat_batches(batches)


def _remove_unheld(
    batch: pa.RecordBatch,
    held: Mapping[str, Values],
    linked: Mapping[str, Values],
    removes: PartWriter,
    removal: Removal,
) -> None:
    """Write what is removed of lines, and add to `linked` the other identifiers of those that are removed."""
    names = [name for name in batch.schema.names if name != KEY]
    masks = {name: pc.is_in(batch[name], held[name].of_type(batch[name].type)) for name in names}
    own = {name: pc.if_else(masks[name], pa.scalar(None, batch[name].type), batch[name]) for name in names}
    removed = _any([column.is_valid() for column in own.values()], len(batch))
    in_part = _any([*masks.values()], len(batch))
    removal.held += len(batch) - pc.sum(removed, min_count=0).as_py()
    removal.left += len(batch) - pc.sum(in_part, min_count=0).as_py()
    for name in names:
        linked[name].add(batch[name].filter(pc.and_(removed, masks[name])))
    removes.write(batch[KEY].filter(removed), pa.table(own).filter(removed))


def _near(pieces: Pieces, sharing: _Sharing, linked: Mapping[str, Values]) -> pa.Array:
    """Return the places of those lines that share an identifier with a line that is removed."""
    if sharing.lines is not None:
        return sharing.places.filter(_is_near(sharing.lines, linked))
    found = Found(sharing.piece, sharing.places, pa.nulls(len(sharing.places), pa.uint64()))
    near = [places.filter(_is_near(lines, linked)) for places, lines in lines_at(pieces, found, [*linked])]
    return pa.concat_arrays(near)


def _is_near(lines: pa.RecordBatch, linked: Mapping[str, Values]) -> pa.Array:
    names = [name for name in lines.schema.names if name in linked]
    return _any([pc.is_in(lines[name], linked[name].of_type(lines[name].type)) for name in names], len(lines))


def _any(masks: Sequence[pa.Array], count: int) -> pa.Array:
    """Return which lines one of the masks is true for."""
    return reduce(pc.or_, masks) if masks else pa.repeat(pa.scalar(False), count)
