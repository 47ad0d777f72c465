"""Lists of one width are taken apart the short way, and come out as Python's csv module reads them."""

from __future__ import annotations

import hashlib

import pytest
from activation.drops.delimited import LIST_DELIMITER
from activation.drops.even_lines import even_lines
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.drops.test_delimited_properties import check

DELIMITER = LIST_DELIMITER.encode()
HASHES = [hashlib.sha256(bytes([number])).hexdigest() for number in range(5)]
# What may stand in the place of a letter: nothing, two of them, or what means something to a parser.
ODDITIES = ["", "é", "🙂", '"', "\r", "\n", "\x1f", "\0", "\ufeff", "\u2028"]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("behind", [b"", b"0123", b"0123\xc3\xa9"])
def test_hashes_are_taken_apart_without_a_parser(line_end: bytes, behind: bytes) -> None:
    """Whole lines are cells, and what is behind the last one is left for the next block."""
    lines = b"".join(one.encode() + line_end for one in HASHES)
    found = even_lines(lines + behind, len(lines), DELIMITER)
    assert found is not None
    assert found.to_pylist() == HASHES
    found.validate(full=True)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n" * 40,
        b"short\n" * 40,
        HASHES[0].encode(),
        f"{HASHES[0]}\n{HASHES[1]}".encode(),
        f"{HASHES[0]}\n{HASHES[1][:-1]}\n\n".encode(),
        f"{HASHES[0]}\n{HASHES[1][:20]}\n{HASHES[2][21:]}\n{HASHES[3]}\n".encode(),
        f"{HASHES[0]}\n{HASHES[1][:-1]}\r\n".encode(),
        f"{HASHES[0]}\n{HASHES[1][:-1]}\x1f\n".encode(),
        f'"{HASHES[0]}"\n"{HASHES[1]}"\n'.encode(),
    ],
)
def test_anything_else_is_for_the_parser(text: bytes) -> None:
    """Where the lines are not surely the cells, nothing is said of them."""
    assert even_lines(text, len(text), DELIMITER) is None


LINES = st.tuples(st.sampled_from(HASHES), st.integers(0, 63), st.sampled_from(ODDITIES), st.integers(0, 9))


@given(
    lines=st.lists(LINES, min_size=1, max_size=9),
    width=st.integers(14, 20),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    last_line_end=st.booleans(),
    block_bytes=st.integers(10, 200),
)
@example(lines=[(HASHES[0], 0, "", 0)] * 9, width=16, line_end="\r\n", last_line_end=True, block_bytes=17)
@settings(max_examples=300, deadline=None)
def test_lists_are_read_as_python_reads_them(
    lines: list[tuple[str, int, str, int]], width: int, line_end: str, last_line_end: bool, block_bytes: int
) -> None:
    """Lines of one width, now and then with something odd in them, in blocks of any size and from any cursor."""
    cut = [_with(line[:width], place, odd) if chance == 0 else line[:width] for line, place, odd, chance in lines]
    text = line_end.join(cut) + (line_end if last_line_end else "")
    check(text, 1, LIST_DELIMITER, block_bytes)


def _with(line: str, place: int, odd: str) -> str:
    at = place % len(line)
    return line[:at] + odd + line[at + 1 :]
