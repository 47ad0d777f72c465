"""Snapshots and differences at the edges: without cells, unchanged, interrupted, damaged, and of some size."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from activation.errors import Rejected
from activation.mirror import difference
from activation.mirror.delta import Delta, read_part
from activation.mirror.difference import Difference, compare
from activation.mirror.lines import line_keys, lines_table
from activation.mirror.snapshot import SnapshotWriter
from activation.mirror.state import MirrorState

from tests.unit.mirror.model import ALONE, Known, MemoryPieces, Rows, groups_of, lines_of, read, snapshot, table
from tests.unit.mirror.test_difference import check, digest

COLUMNS = ("EMAIL", "PHONE", "FN")


def person(number: int, phone: int | None = None) -> list[dict[str, str]]:
    """Return the line of a person, with a phone of her own or another's."""
    phone = number if phone is None else phone
    return [{"EMAIL": digest(f"e{number}"), "PHONE": digest(f"p{phone}"), "FN": digest(f"f{number % 7}")}]


PEOPLE: Rows = [person(number) for number in range(10)]


class Bench:
    """A list that was committed."""

    def __init__(self, rows: Rows = PEOPLE, *, cells: bool = True) -> None:
        self.pieces = MemoryPieces()
        self.state = MirrorState(snapshot=snapshot(self.pieces, "a/", rows, COLUMNS, cells=cells))

    def compare(self, rows: Rows, *, cells: bool = True, columns: tuple[str, ...] = COLUMNS) -> Difference:
        """Compare another list with it."""
        candidate = snapshot(self.pieces, "b/", rows, columns, cells=cells)
        return compare(candidate, self.state, self.pieces, ALONE, "b/")


def test_a_list_in_another_order_is_unchanged_and_nothing_is_read() -> None:
    """The digests of the keys say so: not even the pieces of the last list need to be there."""
    bench = Bench()
    bench.pieces.delete([*bench.pieces.names("a/")])
    assert bench.compare([*reversed(PEOPLE)]) == Difference(10, 0, 0, 0, 0, 0, 10)


def test_a_first_list_is_added_as_it_is() -> None:
    """Its pieces are the delta: nothing is written twice."""
    bench = Bench()
    before = set(bench.pieces.objects)
    found = compare(snapshot(bench.pieces, "a/", PEOPLE, COLUMNS), MirrorState(), bench.pieces, ALONE, "b/")
    assert (found.joined, found.reason, found.removes) == (10, "first", None)
    assert [line for _, line in read(bench.pieces, found.adds)] == lines_of(PEOPLE)
    assert set(bench.pieces.objects) == before


def test_a_household_that_loses_one_keeps_the_other() -> None:
    """The phone stays, since another gives it; who gives it is sent again after the removal."""
    bench = Bench([person(1), person(2, phone=1), person(3)])
    found = bench.compare([person(2, phone=1), person(3)])
    assert [line for _, line in read(bench.pieces, found.removes)] == [frozenset({("EMAIL", digest("e1"))})]
    assert read(bench.pieces, found.adds) == [(1, lines_of([person(2, phone=1)])[0])]
    assert (found.unchanged, found.resent, found.left, found.held) == (1, 1, 0, 0)


def test_who_gives_a_new_phone_is_not_taken_out() -> None:
    """The old phone is removed, the address is not, and the whole new line is added."""
    bench = Bench([person(1), person(2)])
    found = bench.compare([person(1, phone=9), person(2)])
    assert [line for _, line in read(bench.pieces, found.removes)] == [frozenset({("PHONE", digest("p1"))})]
    assert [line for _, line in read(bench.pieces, found.adds)] == lines_of([person(1, phone=9)])
    assert (found.unchanged, found.changed, found.joined) == (1, 1, 0)


def test_a_line_with_others_identifiers_alone_is_removed_by_nothing() -> None:
    """A second row of a person who stays goes without a request."""
    bench = Bench([person(1), [{"PHONE": digest("p1")}]])
    found = bench.compare([person(1)])
    assert (found.is_nothing, found.held, found.unchanged) == (True, 1, 1)


def test_without_cells_it_counts_and_sends_nothing() -> None:
    """What a replace keeps is enough to say who joins and leaves, also where a source row has several lines."""
    several: Rows = [*PEOPLE, [*person(20), *person(21)]]
    bench = Bench(several, cells=False)
    assert not [name for name in bench.pieces.objects if name.endswith(".cells")]
    found = bench.compare([*several[3:10], [*person(20), *person(22)], *map(person, range(30, 32))], cells=False)
    assert found == Difference(7, 2, 1, 0, left=4, held=0, known=12)


def test_a_difference_needs_the_cells_of_both() -> None:
    """An audience that was replaced until now is known by keys alone; the sentence says what to do."""
    bench = Bench(cells=False)
    with pytest.raises(Rejected, match="cells_not_kept"):
        bench.compare(PEOPLE[1:])


def test_other_columns_alone_remove_nobody() -> None:
    """A column more in every row changes every line, and takes nobody out."""
    bench = Bench([[{"EMAIL": each[0]["EMAIL"]}] for each in PEOPLE])
    found = bench.compare(PEOPLE)
    assert (found.changed, found.removes, found.held, found.reason) == (10, None, 10, "")
    bench.state = replace(bench.state, snapshot=snapshot(bench.pieces, "c/", PEOPLE, ("EMAIL", "PHONE")))
    found = bench.compare(PEOPLE)
    assert (found.changed, found.removes, found.reason) == (10, None, "columns_changed")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *itertools.product(["a/00001.keys", "a/00001.cells"], ["gone", "cut", "other bytes"]),
        ("a/00001.keys", "another's"),
        ("a/00001.cells", "shorter"),
    ],
)
def test_pieces_that_are_not_those_written_lose_the_state(name: str, damage: str) -> None:
    """Nobody is removed by a list that is damaged or somebody else's."""
    bench = Bench()
    data = bench.pieces.objects.pop(name)
    other = Bench([person(number) for number in range(50, 60)]).pieces.objects[name]
    shorter = Bench(PEOPLE[:5]).pieces.objects[name]
    instead = {
        "cut": data[: len(data) // 2],
        "other bytes": bytes(len(data)),
        "another's": other,
        "shorter": shorter,
    }
    if damage != "gone":
        bench.pieces.objects[name] = instead[damage]
    with pytest.raises(Rejected, match="state_lost"):
        bench.compare(PEOPLE[9:])


def test_an_interrupted_list_goes_on_after_its_last_piece() -> None:
    """The pieces and the record are the same as if it had not been interrupted, wherever the worker died."""
    whole, broken = MemoryPieces(), MemoryPieces()
    for at in range(0, len(PEOPLE), 3):
        tables = [table(PEOPLE[first : first + 1], COLUMNS, first + 1) for first in range(len(PEOPLE))]
        steady = SnapshotWriter(whole, "a/", COLUMNS, piece_lines=3)
        first = SnapshotWriter(broken, "a/", COLUMNS, piece_lines=3)
        for one in tables:
            steady.write(one)
        for one in tables[:at]:
            first.write(one)
        so_far = first.cut()
        first.write(tables[at])  # lost with its worker
        then = SnapshotWriter(broken, "a/", COLUMNS, piece_lines=3, so_far=so_far)
        for one in tables[at:]:
            then.write(one)
        assert (then.is_full, then.close()) == (len(PEOPLE) % 3 == 0, steady.close())
    assert whole.objects.keys() == broken.objects.keys()


def test_a_part_is_read_on_from_any_line() -> None:
    """A resumed run reads the same lines with the same numbers."""
    bench = Bench()
    found = bench.compare([*PEOPLE[5:], *map(person, range(20, 27))])
    for part in (found.removes, found.adds):
        lines = read(bench.pieces, part)
        for after in range(len(lines) + 1):
            assert read(bench.pieces, part, after=after) == lines[after:]
    assert found.adds is not None
    assert [len(one) for one in read_part(bench.pieces, found.adds, at_most=3)] == [3, 3, 1]


def test_thousands_of_lines_are_compared_range_by_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few keys at a time, and parts of the unwanted lines, the difference is the same as that of sets."""
    monkeypatch.setattr(difference, "KEYS_AT_ONCE", 8)
    chance = random.Random(7)
    before = [person(number, chance.choice([number, number // 2])) for number in range(3_000)]
    after = [person(number, chance.choice([number, number // 2])) for number in range(1_000, 3_500)]
    chance.shuffle(after)
    pieces = MemoryPieces()
    known = MirrorState(snapshot=snapshot(pieces, "a/", before, COLUMNS, at_once=100, piece_lines=700))
    candidate = snapshot(pieces, "b/", after, COLUMNS, at_once=100, piece_lines=900)
    for in_memory in (200, 600_000):
        found = compare(candidate, known, pieces, ALONE, "b/", most_lines_in_memory=in_memory)
        check(pieces, found, Known(groups_of(before)), after)
    pending = replace(known, pending=(Delta("b", found.removes, found.adds),))
    again = compare(snapshot(pieces, "c/", before, COLUMNS, at_once=100), pending, pieces, ALONE, "c/")
    assert again.known == 3_000 + found.adds.lines - found.adds.neighbours if found.adds else 0


def test_a_key_does_not_depend_on_order_or_blank_columns() -> None:
    """The same cells under the same wire keys are the same line; the same texts elsewhere are another."""
    line = {"EMAIL": "a", "FN": "b"}
    (key,) = line_keys(table([[line]], ("EMAIL", "FN")))
    assert line_keys(table([[line]], ("FN", "PHONE", "EMAIL")))[0] == key
    others = [{"EMAIL": "b", "FN": "a"}, {"EMAIL": "a\0FN\0b"}, {"EMAIL": "a\0FN", "FN": "b"}, {"EMAIL": "a"}]
    assert len({key, *line_keys(table([[one] for one in others], ("EMAIL", "FN")))}) == 5


def test_lines_are_put_together_from_a_spans_columns() -> None:
    """Further lines of a row follow the first ones of all, with their source rows."""
    first, further = table([person(1), person(2)], COLUMNS), table([person(3)], COLUMNS, first_row=2)
    whole = lines_table([(one.drop_columns(["row"]), one["row"].combine_chunks()) for one in (first, further)])
    assert whole["row"].to_pylist() == [1, 2, 2]
    assert whole.schema.names == ["row", *COLUMNS]
