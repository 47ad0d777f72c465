"""What a part of a large file found of its range, before the file can be cut where records begin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """What a range is if it begins in one state; all offsets and lengths in bytes.

    `records` begin in it, the first at `first_at` of the file (-1: none does). `broken`: it cannot be read so.
    `tail_bytes` belong to a record that began before it. `open_bytes` is what it has of a record whose quoted
    cell goes on in the next range, 0 when the next range begins with a record.
    """

    records: int = 0
    first_at: int = -1
    broken: bool = False
    tail_bytes: int = 0
    open_bytes: int = 0
    open: bool = False


@dataclass(frozen=True)
class Survey:
    """A range's report: what it is if it begins with a record, and if it begins in a quoted cell.

    In a folder, `file` is the index of the file in which the range begins, and `begins_file` says that it begins
    with that file's first record.
    """

    index: int
    outside: Passage
    inside: Passage
    file: int = 0
    begins_file: bool = False
