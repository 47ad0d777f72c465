"""Compressed drops: members and frames, damage, bombs, and what was read before it."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise

import pyarrow as pa
import pytest
from activation.drops.inflate import BrokenStream, inflate
from activation.drops.limits import MIB, ReadLimits
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.errors import Rejected, Retryable
from activation.model import Cursor

from tests.unit.drops.reading import read

ROWS = 20_000


def table(rows: int = ROWS) -> bytes:
    """Write a CSV of incompressible-looking cells."""
    chance = random.Random(7)
    return b"id,hash\n" + b"".join(b"%d,%016x\n" % (row, chance.getrandbits(64)) for row in range(1, rows + 1))


def zstd(data: bytes) -> bytes:
    """Compress into one zstd frame."""
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


PACK = {"gzip": gzip.compress, "zstd": zstd}


@pytest.mark.parametrize("compression", PACK)
def test_a_compressed_drop_gives_the_rows_of_the_plain_one(compression: str) -> None:
    """Compression is told by content and taken off; numbers and cells are those of the plain file."""
    data = table()
    plain = read(open_drop(BytesSource(data)))
    opened = open_drop(BytesSource(PACK[compression](data)))
    packed = read(opened)
    assert opened.format == f"csv+{compression}"
    assert packed.rows == plain.rows
    assert len(packed.rows) == ROWS
    assert packed.refusal is None


@pytest.mark.parametrize("compression", PACK)
def test_reading_goes_on_in_a_compressed_drop(compression: str) -> None:
    """A cursor's position is that of the plain text; one without it, of an earlier release, skips by the row."""
    opened = open_drop(BytesSource(PACK[compression](table())), limits=ReadLimits(block_bytes=100_000))
    whole = read(opened)
    assert whole.cursors == read(open_drop(BytesSource(table()))).cursors
    for row in (1, 2, 3_999, ROWS - 1, ROWS):
        for cursor in (whole.cursors[row], Cursor(row, 0)):
            rest = read(opened, cursor)
            assert rest.rows == {number: cells for number, cells in whole.rows.items() if number > row}
    bare = open_drop(BytesSource(PACK[compression](b"1\n2\n3\n")), single="ID")
    assert [read(bare, cursor).rows for cursor in (Cursor(2, 4), Cursor(2, 0))] == [{3: ("3",)}] * 2


@pytest.mark.parametrize("compression", PACK)
def test_several_members_are_one_text(compression: str) -> None:
    """A record may begin in one gzip member or zstd frame and end in the next."""
    data, pack = table(), PACK[compression]
    cuts = [0, 5, 1_000, 1_001, len(data)]
    packed = b"".join(pack(data[begin:end]) for begin, end in pairwise(cuts))
    assert read(open_drop(BytesSource(packed))).rows == read(open_drop(BytesSource(data))).rows


def test_zeros_behind_the_last_gzip_member_are_padding() -> None:
    """Zeros at the end, as tape tools write them, change nothing."""
    assert read(open_drop(BytesSource(gzip.compress(b"a,b\n1,2\n") + bytes(2 * MIB)))).count == 1


@pytest.mark.parametrize("cut", [-1, -8, -9, -2_000])
def test_a_truncated_gzip_gives_what_came_and_says_where_it_ends(cut: int) -> None:
    """Whole rows before the cut are read, then the file is refused with the last row's number."""
    result = read(open_drop(BytesSource(gzip.compress(table())[:cut])))
    assert result.refusal is not None
    assert result.refusal.code == "truncated_gzip"
    assert f"after row {result.count}:" in result.refusal.sentence
    assert 0 < result.count <= ROWS
    assert result.rows.items() <= read(open_drop(BytesSource(table()))).rows.items()


def test_a_small_gzip_is_truncated_wherever_it_is_cut() -> None:
    """Also within its header and its first record, which are then not too long but cut off."""
    packed = gzip.compress(b"id,hash\n" + b"1,2\n" * 5)
    for cut in range(3, len(packed)):
        assert _refusal(packed[:cut]) == "truncated_gzip", cut


def _refusal(data: bytes) -> str | None:
    try:
        found = read(open_drop(BytesSource(data))).refusal
    except Rejected as refusal:
        found = refusal
    return found.code if found else None


def damaged(packed: bytes, at: int) -> bytes:
    """Flip the bits of one byte."""
    return packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [lambda packed: damaged(packed, len(packed) - 6), lambda packed: packed + b"more than zeros"],
    ids=["checksum", "garbage behind the end"],
)
def test_a_damaged_gzip_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """A wrong checksum or bytes that are no member end in a refusal, not in rows."""
    result = read(open_drop(BytesSource(spoil(gzip.compress(table())))))
    assert result.refusal is not None
    assert result.refusal.code == "corrupt_gzip"


def test_a_damaged_or_truncated_zstd_is_refused() -> None:
    """A frame that ends early, and bytes that are no frame, are told apart."""
    packed = zstd(table(200_000))
    cut = read(open_drop(BytesSource(packed[:-100_000])))
    assert cut.refusal is not None
    assert cut.refusal.code == "truncated_zstd"
    assert 0 < cut.count < 200_000
    wrong = read(open_drop(BytesSource(packed + b"no frame")))
    assert wrong.refusal is not None
    assert wrong.refusal.code == "corrupt_zstd"


def bomb(rows: int) -> bytes:
    """Write very much of the same."""
    return gzip.compress(b"a,b\n" + b"1,2\n" * rows, 9)


def test_a_bomb_is_stopped_by_ratio() -> None:
    """Once more than the free size came out, the ratio is watched."""
    result = read(open_drop(BytesSource(bomb(2_000_000)), limits=ReadLimits(ratio_free_bytes=MIB)))
    assert result.refusal is not None
    assert result.refusal.code == "decompression_bomb"
    assert 0 < result.count < 2_000_000


def test_a_bomb_is_stopped_by_size() -> None:
    """Whatever the ratio, no more than the size allowed comes out."""
    limits = ReadLimits(inflated_bytes=MIB // 4)
    result = read(open_drop(BytesSource(gzip.compress(table())), limits=limits))
    assert result.refusal is not None
    assert result.refusal.code == "decompression_bomb"
    assert 0 < result.count < ROWS


def test_fifty_megabytes_of_zeros_are_refused_at_the_door() -> None:
    """A bomb of zeros is no table, and is refused by its first bytes."""
    with pytest.raises(Rejected, match="unknown_format"):
        open_drop(BytesSource(gzip.compress(bytes(50 * MIB), 9)))


@pytest.mark.parametrize("member_bytes", [0, 1, 1_000_000])
def test_output_held_back_by_the_limit_on_a_piece_is_not_lost(member_bytes: int) -> None:
    """A member that inflates to exactly the size of the pieces ends without being called truncated."""
    data = bytes(member_bytes % 251 for _ in range(member_bytes))
    assert b"".join(inflate(BytesSource(gzip.compress(data)), "gzip", ReadLimits())) == data
    exact = bytes(MIB * 3)
    packed = zlib.compressobj(wbits=31)
    assert b"".join(inflate(BytesSource(packed.compress(exact) + packed.flush()), "gzip", ReadLimits())) == exact


class Failing:
    """A source whose storage fails behind its first bytes."""

    def __init__(self, data: bytes, behind: int) -> None:
        self.data, self.behind, self.size_bytes = data, behind, len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Fail once more than the first bytes are asked for."""
        if offset + length > self.behind:
            raise Retryable("storage_interrupted", "The connection broke.")
        return self.data[offset : offset + length]


@pytest.mark.parametrize("compression", PACK)
def test_a_failing_storage_is_not_taken_for_a_damaged_file(compression: str) -> None:
    """What the source raises comes through the decompressor as it is."""
    pieces: Iterator[bytes] = inflate(Failing(PACK[compression](table(10)), 3), compression, ReadLimits())
    with pytest.raises(Retryable):
        list(pieces)


def test_damage_is_raised_after_the_pieces_before_it() -> None:
    """The stream gives what it has before it says that it is broken."""
    pieces = inflate(BytesSource(gzip.compress(table(400_000))[:-10]), "gzip", ReadLimits())
    got: list[bytes] = []
    with pytest.raises(BrokenStream, match="truncated_gzip"):
        got.extend(pieces)
    assert sum(map(len, got)) > MIB
