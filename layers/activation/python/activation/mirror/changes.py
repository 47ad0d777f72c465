"""Which lines are new and which are no longer wanted, by their keys alone.

The keys of a range are compared at a time: of all pieces together some ten thousand, which stay in the processor's
cache. Nothing is sorted, and the lines' order is kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from activation.mirror.keys_file import RANGES, TOGETHER, Block, KeysFile
from activation.mirror.lines import Digest
from activation.mirror.lost import state_lost
from activation.mirror.packing import give_back
from activation.mirror.piece import open_keys
from activation.mirror.snapshot import Snapshot
from activation.mirror.state import MirrorState
from activation.mirror.store import Pieces

NO_KEYS = pa.array([], pa.uint64())
NO_PLACES = pa.array([], pa.uint32())


@dataclass(frozen=True)
class Found:
    """Lines of one piece: their places in it (uint32, ascending) and their keys."""

    piece: str
    places: pa.Array = field(repr=False)
    keys: pa.Array = field(repr=False)


@dataclass(frozen=True)
class Changes:
    """What the keys say.

    `new` are lines of the candidate that are not surely in the audience, by piece, and `unwanted` lines that may
    be there and are not in the candidate, by the piece they were recorded in. `known` is how many lines may be
    there.
    """

    new: tuple[Found, ...]
    unwanted: tuple[Found, ...]
    known: int


class _Source:
    """The pieces of one list of lines, read 64 ranges at a time."""

    def __init__(self, pieces: Pieces, names: Sequence[str]) -> None:
        self.names = names
        self._files: list[KeysFile] = [open_keys(pieces, name) for name in names]
        self._begins = [*accumulate((one.lines for one in self._files), initial=0)]
        self._blocks: list[Block] = []
        self._places: list[pa.Array] = []
        self.digest = Digest()

    @property
    def lines(self) -> int:
        """Return how many lines there are."""
        count: int = self._begins[-1]
        return count

    def load(self, number: int) -> None:
        """Read the next 64 ranges of each piece."""
        self._blocks = [one.block(number) for one in self._files]
        for one in self._blocks:
            self.digest = self.digest.plus(one.keys)
        begins = (pa.scalar(begin, pa.uint32()) for begin in self._begins)
        self._places = [pc.add(one.places, begin) for one, begin in zip(self._blocks, begins, strict=False)]

    def keys(self, first: int, last: int) -> pa.Array:
        """Return the keys of some of the 64 ranges, piece after piece."""
        return self._some([one.keys for one in self._blocks], first, last)

    def places(self, first: int, last: int) -> pa.Array:
        """Return the places of the same lines, counted over all pieces."""
        return self._some(self._places, first, last)

    def _some(self, arrays: Sequence[pa.Array], first: int, last: int) -> pa.Array:
        slices = [NO_KEYS] if not arrays else []
        for block, array in zip(self._blocks, arrays, strict=True):
            begin, end = block.range(first)[0], block.range(last)[1]
            slices.append(array.slice(begin, end - begin))
        return pa.concat_arrays(slices) if len(slices) > 1 else slices[0]

    def found(self, places: Sequence[pa.Array], keys: Sequence[pa.Array]) -> Iterator[Found]:
        """Yield lines by their pieces; places and keys come by range."""
        if not places:
            return
        everywhere, of_all = pa.concat_arrays(places), pa.concat_arrays(keys)
        order = pc.sort_indices(everywhere)
        everywhere, of_all = everywhere.take(order), of_all.take(order)
        numbers = memoryview(everywhere.buffers()[1]).cast("I")
        for name, begin, end in zip(self.names, self._begins, self._begins[1:], strict=False):
            first, last = (bisect_left(numbers, edge, 0, len(everywhere)) for edge in (begin, end))
            if first < last:
                own = pc.subtract(everywhere.slice(first, last - first), pa.scalar(begin, pa.uint32()))
                yield Found(name, own, of_all.slice(first, last - first))


@dataclass
class _Hits:
    """Lines found in a source, range after range."""

    places: list[pa.Array] = field(default_factory=list)
    keys: list[pa.Array] = field(default_factory=list)

    def add(self, source: _Source, keys: pa.Array, mask: pa.Array, first: int, last: int) -> None:
        """Add those of a range that a mask is true for."""
        some = keys.filter(mask)
        if len(some):
            self.places.append(source.places(first, last).filter(mask))
            self.keys.append(some)


def changes(pieces: Pieces, candidate: Snapshot, known: MirrorState, keys_at_once: int) -> Changes:
    """Compare the keys; raises Rejected with state_lost where a snapshot's keys are not those once written."""
    wanted = _Source(pieces, candidate.pieces)
    snapshot = _Source(pieces, known.snapshot.pieces if known.snapshot else ())
    adds = [_Source(pieces, names) for names in _may_be_there(known)]
    removed = [_Source(pieces, delta.removes.pieces) for delta in known.pending if delta.removes]
    replaced = any(delta.replaced_by for delta in known.pending)
    new, gone, of_adds = _Hits(), _Hits(), [_Hits() for _ in adds]
    largest = max(one.lines for one in (wanted, snapshot, *adds))
    step = _step(largest, keys_at_once)
    in_adds = 0
    for number in range(RANGES // TOGETHER):
        for source in (wanted, snapshot, *adds, *removed):
            source.load(number)
        give_back()
        for first in range(0, TOGETHER, step):
            last = first + step - 1
            here, there = wanted.keys(first, last), snapshot.keys(first, last)
            surely = NO_KEYS if replaced else there
            for source in removed:
                keys = source.keys(first, last)
                if len(keys):
                    surely = surely.filter(pc.invert(pc.is_in(surely, keys)))
            new.add(wanted, here, pc.invert(pc.is_in(here, surely)), first, last)
            gone.add(snapshot, there, pc.invert(pc.is_in(there, here)), first, last)
            for source, hits in zip(adds, of_adds, strict=True):
                keys = source.keys(first, last)
                fresh = pc.invert(pc.is_in(keys, there))
                in_adds += pc.sum(fresh, min_count=0).as_py()
                hits.add(source, keys, pc.and_not(fresh, pc.is_in(keys, here)), first, last)
                there = pa.concat_arrays([there, keys])
    for record, source in ((candidate, wanted), (known.snapshot, snapshot)):
        if record is not None and str(source.digest) != record.digest:
            raise state_lost("the list of an audience's keys is not the one that was written")
    unwanted = [*snapshot.found(gone.places, gone.keys)]
    for source, hits in zip(adds, of_adds, strict=True):
        unwanted += source.found(hits.places, hits.keys)
    return Changes(
        tuple(wanted.found(new.places, new.keys)),
        tuple(unwanted),
        snapshot.lines + in_adds,
    )


def _may_be_there(known: MirrorState) -> list[tuple[str, ...]]:
    """Return the pieces of what pending deltas may have added, by delta."""
    found = []
    for delta in known.pending:
        found += [part.pieces for part in (delta.adds, delta.replaced_by) if part is not None]
    return found


def _step(lines: int, keys_at_once: int) -> int:
    """Return how many ranges to compare at once: a power of two up to 64, for about so many keys."""
    step = TOGETHER
    while step > 1 and lines * step > keys_at_once * RANGES:
        step //= 2
    return step
