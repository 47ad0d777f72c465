"""The files of a folder read as one drop: their rows one after the other, numbered through, resumed anywhere."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace

import pyarrow.compute as pc

from activation.drops.chunk import ByteSource, Chunk, DropReader
from activation.drops.codes import refused
from activation.drops.folder_files import FolderFiles, naming
from activation.drops.folder_header import FolderHeader
from activation.drops.json_lines import JsonLinesReader
from activation.model import Cursor

# Files opened before they are needed: the time that S3 takes to answer would add up over thousands of small ones.
OPENED_AHEAD = 4


@dataclass(frozen=True)
class FolderReader:
    """A folder, opened: `found` is what its files have in common, `files` opens each of them.

    Files are read in their order, and a batch may have rows of several. Nothing of a file but its first bytes is
    held before its turn comes.
    """

    found: FolderHeader
    files: FolderFiles
    _begun: list[tuple[int, int]] = field(default_factory=list, repr=False)

    @property
    def format(self) -> str:
        """Return the format of all files; their compression only if it is the same."""
        return self.found.format

    @property
    def header(self) -> tuple[str, ...]:
        """Return the columns' names, which are the same in all files."""
        return self.found.names

    @property
    def nested(self) -> tuple[str, ...]:
        """Return the names of what any of the files holds lists under."""
        return self.found.nested

    def chunks(self, start: Cursor) -> Iterator[Chunk]:
        """Stream the rows after `start`; raises as the readers of the files do, naming the file."""
        before, resumed = start.before, Cursor(start.row - start.before, start.position)
        with closing(self._opened(start.file)) as opened:
            for index, reader in opened:
                rows = resumed.row
                if reader is not None:
                    self._note(before, index)
                    for chunk in self._named(index, reader, resumed):
                        rows = chunk.first_row + chunk.row_count - 1
                        yield self._placed(chunk, index, before)
                before, resumed = before + rows, Cursor()

    def place(self, row: int) -> tuple[int, int]:
        """Return the index of the file that holds a row, and the row's number in it; the row was read already."""
        before, index = self._begun[bisect_right(self._begun, (row - 1, len(self.files.members))) - 1]
        return index, row - before

    def open_file(self, index: int, guard: Callable[[ByteSource], ByteSource] | None = None) -> DropReader | None:
        """Open one file by itself, None when it has no rows; `guard` wraps what is read."""
        reader = self.files.open(index, guard)
        found = self.found
        if isinstance(reader, JsonLinesReader) and found.keys:
            return reader.with_keys(found.keys, found.names, found.nested)
        if reader is not None and reader.header != found.names:
            raise refused("object_changed")
        return reader

    def _opened(self, first: int) -> Generator[tuple[int, DropReader | None]]:
        """Yield the files from `first` on, opened; how many are opened ahead grows to OPENED_AHEAD.

        Who reads the first rows alone has one more file opened, not four.
        """
        waiting = iter(range(first, len(self.files.members)))
        coming: deque[tuple[int, Future[DropReader | None]]] = deque()
        pool = ThreadPoolExecutor(OPENED_AHEAD, "next-file")
        try:
            wanted = 1
            while True:
                while len(coming) < wanted and (index := next(waiting, None)) is not None:
                    coming.append((index, pool.submit(self.open_file, index)))
                if not coming:
                    return
                index, future = coming.popleft()
                reader = future.result()
                wanted = min(wanted + 1, OPENED_AHEAD)
                yield index, reader
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _named(self, index: int, reader: DropReader, start: Cursor) -> Iterator[Chunk]:
        with naming(self.files.name(index)):
            yield from reader.chunks(start)

    def _placed(self, chunk: Chunk, index: int, before: int) -> Chunk:
        """Return a file's chunk as the drop's: its rows numbered on, its cursors in that file."""
        within = chunk.cursor_after

        def cursor_after(row: int) -> Cursor:
            found = within(row - before)
            return Cursor(row, found.position, index, before)

        return replace(
            chunk,
            first_row=chunk.first_row + before,
            rows=pc.add(chunk.rows, before) if before else chunk.rows,
            malformed={row + before: code for row, code in chunk.malformed.items()},
            mended=pc.add(chunk.mended, before) if before else chunk.mended,
            cursor_after=cursor_after,
            file=self.files.name(index),
            before=before,
        )

    def _note(self, before: int, index: int) -> None:
        """Note where a file begins; threads that send earlier rows look places up meanwhile."""
        at = bisect_right(self._begun, (before, index))
        if not at or self._begun[at - 1] != (before, index):
            insort(self._begun, (before, index))
