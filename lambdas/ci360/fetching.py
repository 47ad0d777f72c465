"""From CI360's staging to ours: a stream cut into parts at record ends, checked and uploaded.

A part is a pure function of the file: it begins where the one before it ended, is cut out of the next
PART_BYTES, and ends behind its last complete record. So whoever makes a part again makes the same one, a record
never straddles two, and the place to go on from is a number.
"""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from activation.errors import Retryable

from lambdas.ci360.checksums import combine
from lambdas.ci360.columns import MAX_BYTES, header_line, read_columns
from lambdas.ci360.links import read_link
from lambdas.ci360.occurrences import Occurrence, Occurrences, State
from lambdas.ci360.rows import cut
from lambdas.ci360.source import Facts, OpenFile, Source
from lambdas.ci360.storage import Storage

# What is left of it after the cut is a part S3 takes. A request costs the same time for a small part as for a
# large one, so it is not a small one.
PART_BYTES = 12 * 1024 * 1024
READ_BYTES = 512 * 1024  # at a time; while nobody reads, the system's own buffer fills
UPLOADS_IN_FLIGHT = 2  # of PART_BYTES each, beside the one being made
ATTEMPTS = 4  # at a connection, within one invocation
RENEW_S = 15.0
RECORD_S = 1.0  # what a killed worker had done since, is done again
_BOM = b"\xef\xbb\xbf"


class InvocationEnding(Exception):
    """The invocation is about to end; what is recorded is where the next one goes on."""


@dataclass
class _Made:
    """A part on its way: the occurrence as it is once the part has arrived."""

    after: Occurrence  # without the part's checksum
    body: bytearray
    arrives: Future[int]  # the part's CRC-32


@dataclass
class Fetch:
    """One turn at a file: `occurrence` is what has arrived of it, `time_left_s` how long the turn may last."""

    occurrence: Occurrence
    occurrences: Occurrences
    source: Source
    storage: Storage
    with_header: bool
    max_bytes: int
    time_left_s: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    small: bytearray | None = None  # the whole of a file that fits one part
    _renewed_at: float = 0.0
    # Bodies that have arrived, to be filled again: the system clears every page of memory it gives out anew.
    _spare: list[bytearray] = field(default_factory=list)

    def run(self) -> Occurrence:
        """Bring the file in; returns the occurrence with every part uploaded, or with `small` set, not uploaded.

        Raises InvocationEnding, Rejected, Retryable, ConfigError, storage.UploadGone and lease.LeaseLost.
        """
        self._renewed_at = self.clock()
        at = self.occurrence
        if at.uploaded:
            return at
        columns: tuple[str, ...] = ()  # behind the first part only their number is needed
        if at.part == 1:
            columns = () if at.sas_key else self._columns()
            self._save(replace(self.occurrence, state=State.FETCHING, columns=len(columns)))
        fruitless = 0
        while True:
            before = self.occurrence.offset
            try:
                return self._stream(columns)
            except Retryable as error:
                fruitless = fruitless + 1 if self.occurrence.offset == before else 0
                if error.code != "source_broke_off" or fruitless == ATTEMPTS:
                    raise
                self.sleep(2.0**fruitless)

    def _columns(self) -> tuple[str, ...]:
        link = read_link(self.occurrence.metadata_link)
        return read_columns(self.source.read_whole(link, max_bytes=MAX_BYTES))

    def _stream(self, columns: tuple[str, ...]) -> Occurrence:
        at = self.occurrence
        known = Facts(at.size_bytes, at.etag) if at.upload_id else None
        link = read_link(at.data_link)
        in_flight: deque[_Made] = deque()
        with (
            ThreadPoolExecutor(UPLOADS_IN_FLIGHT) as uploads,
            self.source.open(link, max_bytes=self.max_bytes, offset=at.offset, known=known) as file,
        ):
            try:
                return self._parts(file, columns, uploads, in_flight)
            except (InvocationEnding, Retryable):
                # What is on its way is good, whatever happened to the next part.
                self._arrived(in_flight, keep=0)
                raise

    def _parts(
        self,
        file: OpenFile,
        columns: tuple[str, ...],
        uploads: ThreadPoolExecutor,
        in_flight: deque[_Made],
    ) -> Occurrence:
        """Make every part from here on; a file that is only one is not uploaded."""
        latest = self.occurrence
        total = file.facts.size_bytes
        carry = b""
        while True:
            block = self._block(file, carry, total - latest.offset)
            final = latest.offset + len(block) == total
            after, carry = self._part(block, latest, columns, final)
            if final and latest.part == 1:
                self.small = block
                return replace(after, size_bytes=total, crc32=zlib.crc32(block))
            if not after.upload_id:
                upload_id = self.storage.begin(after.object_key, after.metadata)
                begun = replace(self.occurrence, upload_id=upload_id, size_bytes=total, etag=file.facts.etag)
                self._save(begun)
                after = replace(after, upload_id=upload_id, size_bytes=total, etag=file.facts.etag)
            arrives = uploads.submit(self._upload, after.object_key, after.upload_id, latest.part, block)
            in_flight.append(_Made(after, block, arrives))
            latest = after
            self._arrived(in_flight, keep=0 if final else UPLOADS_IN_FLIGHT)
            if final:
                return self.occurrence

    def _block(self, file: OpenFile, carry: bytes, left: int) -> bytearray:
        """Read until the block is full or the file at its end; `left` bytes are left of it, the carry included."""
        size = min(PART_BYTES, left)
        block = self._spare.pop() if self._spare else bytearray(size)
        block.extend(bytes(max(size - len(block), 0)))  # what was cut off it behind its last record
        del block[size:]
        block[: len(carry)] = carry
        filled = len(carry)
        with memoryview(block) as space:
            while filled < size:
                filled += file.readinto(space[filled : filled + READ_BYTES])
                if self.clock() - self._renewed_at > RENEW_S:
                    self._renew()
                if self.time_left_s() <= 0:
                    raise InvocationEnding
        return block

    def _part(
        self, block: bytearray, latest: Occurrence, columns: tuple[str, ...], final: bool
    ) -> tuple[Occurrence, bytes]:
        """Make the block the body of the next part; return the occurrence after it, and the bytes left over."""
        if latest.sas_key:  # the original bytes, whatever they are
            return self._after(latest, read_bytes=len(block), rows=0, written_bytes=len(block)), b""
        first = latest.part == 1
        mark = len(_BOM) if first and block.startswith(_BOM) else 0
        if mark:
            del block[:mark]
        found = cut(block, self.occurrence.columns, rows_before=latest.rows, final=final)
        carry = bytes(memoryview(block)[found.end :])
        del block[found.end :]
        if first and self.with_header:
            line_end = "\r\n" if block[: block.find(b"\n")].endswith(b"\r") else "\n"
            block[:0] = header_line(columns, line_end)
        return self._after(latest, read_bytes=mark + found.end, rows=found.rows, written_bytes=len(block)), carry

    @staticmethod
    def _after(latest: Occurrence, *, read_bytes: int, rows: int, written_bytes: int) -> Occurrence:
        return replace(
            latest,
            offset=latest.offset + read_bytes,
            part=latest.part + 1,
            rows=latest.rows + rows,
            written_bytes=latest.written_bytes + written_bytes,
            idle=0,
        )

    def _upload(self, key: str, upload_id: str, number: int, body: bytearray) -> int:
        """Upload a part; returns its CRC-32, the one pass over it that S3 checks as well."""
        crc32 = zlib.crc32(body)
        self.storage.put_part(key, upload_id, number, body, crc32)
        return crc32

    def _arrived(self, in_flight: deque[_Made], *, keep: int) -> None:
        """Wait for the oldest parts until `keep` are left on their way, and record how far it has come."""
        while len(in_flight) > keep:
            made = in_flight.popleft()
            before, length = self.occurrence.crc32, made.after.written_bytes - self.occurrence.written_bytes
            crc32 = combine(before, made.arrives.result(), length)
            self.occurrence = replace(made.after, crc32=crc32)
            self._spare.append(made.body)
        if keep == 0 or self.clock() - self._renewed_at > RECORD_S:
            self._save(self.occurrence)

    def _save(self, occurrence: Occurrence) -> None:
        self.occurrences.save(occurrence)
        self.occurrence = occurrence
        self._renewed_at = self.clock()

    def _renew(self) -> None:
        self.occurrences.renew(self.occurrence)
        self._renewed_at = self.clock()
