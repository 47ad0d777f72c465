"""The difference between a list and what an audience may hold."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

from activation.mirror.delta import Delta
from activation.mirror.difference import Difference, compare
from activation.mirror.state import MirrorState
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mirror.model import (
    ALONE,
    Known,
    Line,
    MemoryPieces,
    Rows,
    expected,
    groups_in,
    groups_of,
    read,
    snapshot,
)


def digest(text: str) -> str:
    """Return a cell as a platform is sent it."""
    return hashlib.sha256(text.encode()).hexdigest()


EMAILS = [*map(digest, "abcdef"), digest("a").upper(), "plain@example.com", "ab\0c", "ab\1bc"]
LINE = st.fixed_dictionaries(
    {},
    optional={
        "EMAIL": st.sampled_from(EMAILS),
        "PHONE": st.sampled_from([*map(digest, "123")]),
        "FN": st.sampled_from([digest("ann"), digest("bob"), "carl"]),
        "ZIP": st.sampled_from([digest("10115"), digest("20095")]),
    },
).filter(bool)
ROWS = st.lists(st.lists(LINE, min_size=1, max_size=3), max_size=8)
COLUMNS = st.sampled_from(
    [("EMAIL", "PHONE", "FN", "ZIP"), ("EMAIL", "ZIP"), ("FN", "ZIP"), ("PHONE", "EMAIL", "FN")]
)


def only(rows: Rows, columns: tuple[str, ...]) -> Rows:
    """Return the lines of a list with fewer columns; a line without any cell is none."""
    kept = [[{name: line[name] for name in columns if name in line} for line in each] for each in rows]
    kept = [[line for line in each if line] for each in kept]
    return [each for each in kept if each]


def check(pieces: MemoryPieces, found: Difference, known: Known, rows: Rows) -> list[Line]:
    """Hold a difference against the model; return the original lines of its removes."""
    wanted = expected(known, rows)
    assert Counter(line for _, line in read(pieces, found.removes)) == wanted.removed
    added = read(pieces, found.adds)
    edge = len(added) - (found.adds.neighbours if found.adds else 0)
    assert sorted(map(str, added[:edge])) == sorted(map(str, wanted.new))
    assert sorted(map(str, added[edge:])) == sorted(map(str, wanted.neighbours))
    counts = {name: getattr(found, name) for name in ("unchanged", "joined", "changed", "resent")}
    assert {name: count for name, count in counts.items() if count} == wanted.rows
    assert (found.left, found.held, found.known) == (wanted.left, wanted.held, len(known.may_be_there))
    assert [row for row, _ in read(pieces, found.removes)] == [*range(1, wanted.removed.total() + 1)]
    return wanted.originals


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(ROWS, COLUMNS, st.sampled_from(["commit", "die", "replace"])), min_size=2, max_size=4),
    st.sampled_from([1, 6, 600_000]),
    st.sampled_from([1, 4]),
)
def test_it_is_what_python_sets_say(
    runs: list[tuple[Rows, tuple[str, ...], str]], in_memory: int, piece_lines: int
) -> None:
    """Whatever earlier runs left behind, removes, adds, neighbours and counts are those of the model."""
    pieces, state, known = MemoryPieces(), MirrorState(), Known()
    for number, (all_rows, columns, fate) in enumerate(runs):
        rows = only(all_rows, columns)
        candidate = snapshot(pieces, f"{number}/", rows, columns, piece_lines=piece_lines)
        found = compare(candidate, state, pieces, ALONE, f"{number}/", most_lines_in_memory=in_memory)
        originals = check(pieces, found, known, rows)
        if fate == "commit":
            state, known = MirrorState(snapshot=candidate), Known(groups_of(rows))
        elif fate == "replace":
            state = replace(state, pending=(*state.pending, Delta(str(number), replaced_by=candidate)))
            known.adds.append(groups_of(rows))
            known.replaced = True
        else:
            state = replace(state, pending=(*state.pending, Delta(str(number), found.removes, found.adds)))
            known.removes += originals
            known.adds.append(groups_in(pieces, found.adds))


def test_who_gives_up_a_further_address_stays_in() -> None:
    """It has a line of its own: whom its removal takes out is sent again by what is left of the source row."""
    pieces = MemoryPieces()
    first, second, other = digest("a"), digest("b"), digest("c")
    before = snapshot(pieces, "0/", [[{"EMAIL": first}, {"EMAIL": second}], [{"EMAIL": other}]], ("EMAIL",))
    rows = [[{"EMAIL": first}], [{"EMAIL": other}]]
    after = snapshot(pieces, "1/", rows, ("EMAIL",))
    found = compare(after, MirrorState(snapshot=before), pieces, ALONE, "1/")
    assert [line for _, line in read(pieces, found.removes)] == [frozenset({("EMAIL", second)})]
    assert [line for _, line in read(pieces, found.adds)] == [frozenset({("EMAIL", first)})]
    assert (found.unchanged, found.resent) == (1, 1)
