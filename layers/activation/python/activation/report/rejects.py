"""The rejects of a run: row number, field and stable code, never a value."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
from boto3.s3.transfer import TransferConfig

from activation.drops.folder_listing import shown_file
from activation.ledger.units import Unit

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

HEADER = ("row", "column", "code")
IN_FOLDER = ("file", "row_in_file")  # behind those, where the drop is a folder
BUFFER_BYTES = 1024 * 1024
OURS, PLATFORMS = ("0", "1")  # in a part's name, so that our rejects of a span sort first
NOT_NAMED = "refused_row_not_named"
WRITTEN_AT_ONCE = 10_000  # lines; a platform may refuse millions of rows after it acknowledged them
READ_AT_ONCE = 8  # parts; a file of 10 GB has thousands of them


class Rejects:
    """The rejects of a run, written in parts while it runs and joined when it ends.

    A part is written before its rows are acknowledged, under a name derived from them: after a crash it is written
    again with the same content, and the list contains it once. Every cell is a number, a field's wire name, one of
    our codes or a file's name made harmless, so no spreadsheet reads a cell as a formula.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        stem: str,
        *,
        in_folder: bool = False,
        place: Callable[[int], tuple[str, int]] | None = None,
        parts: set[str] | None = None,
        knows_parts: bool = False,
    ) -> None:
        """Keep the rejects of one run; `stem` is the receipt's key without its suffix.

        `in_folder` says that the drop is a folder; `place` returns the name of the file that holds a row, and the
        row's number there, and is needed for writing in that case. `parts` notes the keys of the parts that are
        written; with `knows_parts` there are no others, so that nobody need ask S3 for them.
        """
        self._client = client
        self._bucket = bucket
        self._stem = stem
        self._in_folder = in_folder
        self._place = place
        self._known = set() if parts is None else parts
        self._knows_parts = knows_parts

    def of_lines(self, name: str) -> Rejects:
        """Return rejects of a list of its own, for lines that are no rows of the drop; `name` says which lines."""
        return Rejects(self._client, self._bucket, f"{self._stem}.{name}")

    def placed(self, place: Callable[[int], tuple[str, int]]) -> Rejects:
        """Return the rejects of a folder in which `place` finds a row."""
        return Rejects(
            self._client,
            self._bucket,
            self._stem,
            in_folder=True,
            place=place,
            parts=self._known,
            knows_parts=self._knows_parts,
        )

    @property
    def key(self) -> str:
        """Return the key of the whole list."""
        return f"{self._stem}.rejects.csv"

    def write_ours(self, first_row: int, findings: pa.Table) -> None:
        """Write what we rejected in the span that begins at `first_row`; `findings` has row, field, code."""
        if findings.num_rows:
            columns = (findings[name].to_pylist() for name in ("row", "field", "code"))
            self._put(f"{first_row:012d}-{OURS}", zip(*columns, strict=True))

    def write_platforms(
        self, first_row: int, name: str, refused: Mapping[int, str], unnamed: int, *, column: str = ""
    ) -> None:
        """Write what the platform refused of an upload: row -> code, and how many more it did not name.

        `name` is the upload's within the run; it begins with the batch's last row, as twelve digits. `column` is
        the wire key of the refused identifier, "" if the upload carried whole rows.
        """
        lines: list[tuple[int | str, str, str]] = [(row, column, code) for row, code in sorted(refused.items())]
        if unnamed:
            lines += [("", column, NOT_NAMED)] * unnamed
        if lines:
            self._put(f"{first_row:012d}-{PLATFORMS}-{name}", lines)

    def read_platforms(
        self, first_row: int, last_row: int, acknowledged: Iterable[Unit]
    ) -> tuple[dict[int, str], int]:
        """Return what the platform refused of the batch's acknowledged units: row -> code, and how many more.

        The lists of other units are left out: a worker that died wrote them, and they are written again with those
        units.
        """
        prefix = f"{first_row:012d}-{PLATFORMS}-{last_row:012d}-"
        begun = tuple(f"{one.key}-{one.part}" for one in acknowledged)
        parts = [key for key in self._parts(prefix) if key.rsplit(prefix, 1)[-1].startswith(begun)]
        named, unnamed = {}, 0
        for _, body in self._bodies(sorted(parts)):
            for row, _, code, *_ in csv.reader(io.StringIO(body.decode())):
                if row:
                    named[int(row)] = code
                else:
                    unnamed += 1
        return named, unnamed

    def refused(self) -> Iterator[tuple[int, int, list[int], int]]:
        """Yield what the platform refused of uploads: first and last row of the batch, rows, how many more.

        Of an upload that a worker sent again after another one had died, it may be what the first answer said.
        """
        keys = sorted(key for key in self._parts() if f"-{PLATFORMS}-" in key.rsplit("/", 1)[-1])
        for key, body in self._bodies(keys):
            first_row, _, last_row, *_ = key.rsplit("/", 1)[-1].split("-")
            rows = [row for row, *_ in csv.reader(io.StringIO(body.decode()))]
            named = [int(row) for row in rows if row]
            yield int(first_row), int(last_row), named, len(rows) - len(named)

    def _put(self, name: str, lines: Iterable[tuple[int | str, str, str]]) -> None:
        key = f"{self._stem}.rejects/{name}.csv"
        self._known.add(key)
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=_text(map(self._with_place, lines) if self._in_folder else lines),
            ContentType="text/csv",
        )

    def _with_place(self, line: tuple[int | str, str, str]) -> tuple[int | str, ...]:
        if not isinstance(line[0], int) or self._place is None:
            return (*line, "", "")
        file, row = self._place(line[0])
        return (*line, shown_file(file), row)

    def put_together(self, late: Mapping[str, int] | None = None) -> int:
        """Write the whole list; return its number of lines, 0 if there is nothing to list.

        It joins the parts and `late`: by code, the rows that the platform counted as refused, without naming them,
        after it had acknowledged their uploads. Those counts may still change, so they are not written as a part.
        The list may exceed the function's memory and disk, so it is uploaded while the parts are read.
        """
        keys = sorted(self._parts())
        if not keys and not any((late or {}).values()):
            return 0
        whole = _Joined(chain(self._pieces(keys), _unnamed(late or {}, self._in_folder)))
        self._client.upload_fileobj(
            io.BufferedReader(whole, BUFFER_BYTES),
            self._bucket,
            self.key,
            ExtraArgs={"ContentType": "text/csv"},
            Config=TransferConfig(use_threads=False),
        )
        return whole.lines - 1

    def _pieces(self, keys: list[str]) -> Iterator[bytes]:
        """Yield the list's header and the parts' lines, without rows that an earlier part has listed."""
        yield (",".join((*HEADER, *IN_FOLDER) if self._in_folder else HEADER) + "\n").encode()
        last_row = 0
        for key, body in self._bodies(keys):
            if key.removesuffix(".csv").rsplit("/", 1)[-1].split("-")[1] != OURS:
                yield body
                continue
            lines = body.splitlines(keepends=True)
            if _row(lines[0]) > last_row:
                yield body
            else:  # an earlier release cut batches differently
                yield b"".join(line for line in lines if _row(line) > last_row)
            last_row = max(last_row, _row(lines[-1]))

    def remove_parts(self) -> None:
        """Delete the parts of a run that has ended for good, or begins again; a part left behind does no harm."""
        keys = list(self._parts())
        for start in range(0, len(keys), 1000):
            self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": key} for key in keys[start : start + 1000]], "Quiet": True},
            )
        self._known.difference_update(keys)

    def _bodies(self, keys: list[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the parts in order, reading a few at a time."""

        def read(key: str) -> bytes:
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return body

        with ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="rejects") as pool:
            for start in range(0, len(keys), READ_AT_ONCE):
                some = keys[start : start + READ_AT_ONCE]
                yield from zip(some, pool.map(read, some), strict=True)

    def _parts(self, name: str = "") -> Iterator[str]:
        prefix = f"{self._stem}.rejects/{name}"
        if self._knows_parts:
            yield from (key for key in sorted(self._known) if key.startswith(prefix))
            return
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", []))


def _text(lines: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def _unnamed(counts: Mapping[str, int], in_folder: bool) -> Iterator[bytes]:
    """Yield a line for each row that was counted but not named."""
    for code, count in sorted(counts.items()):
        line = _text([("", "", code, "", "") if in_folder else ("", "", code)])
        for start in range(0, count, WRITTEN_AT_ONCE):
            yield line * min(WRITTEN_AT_ONCE, count - start)


def _row(line: bytes) -> int:
    return int(line.split(b",", 1)[0])


class _Joined(io.RawIOBase):
    """Pieces of text as a file that is read once; counts the lines read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.lines = 0
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # typeshed asks for its own Buffer
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self.lines += piece.count(b"\n")
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count
