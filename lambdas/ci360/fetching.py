"""From CI360's staging to ours: a stream cut into parts at record ends, checked, digested and uploaded.

A part is a pure function of the file: it begins where the one before it ended, is cut out of the next
PART_BYTES, and ends behind its last complete record. So whoever makes a part again makes the same one, a record
never straddles two, and the place to go on from is a number.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from activation.errors import Retryable

from lambdas.ci360.ahead import Ahead
from lambdas.ci360.columns import MAX_BYTES, header_line, read_columns
from lambdas.ci360.links import read_link
from lambdas.ci360.occurrences import Occurrence, Occurrences, State
from lambdas.ci360.rows import MAX_RECORD_BYTES, cut
from lambdas.ci360.source import Facts, Source
from lambdas.ci360.storage import MIN_PART_BYTES, Storage

PART_BYTES = MIN_PART_BYTES + MAX_RECORD_BYTES + 4096  # what is left after the cut, and a mark, is a part S3 takes
READ_BYTES = 512 * 1024  # at a time, some of them ahead of the work
UPLOADS_IN_FLIGHT = 2  # of PART_BYTES each, beside the one being made
ATTEMPTS = 4  # at a connection, within one invocation
RENEW_S = 15.0
RECORD_S = 1.0  # what a killed worker had done since, is done again
_BOM = b"\xef\xbb\xbf"


def _digested(before: Future[Any], block: bytearray) -> Any:
    """Give the digest behind a block; the one before it stays as it was, for it may be gone back to."""
    digest = before.result().copy()
    digest.update(block)
    return digest


class OutOfTime(Exception):
    """The invocation is about to end; what is recorded is where the next one goes on."""


@dataclass
class _Made:
    """A part on its way: the occurrence as it is once the part has arrived."""

    after: Occurrence
    digest: Future[Any]  # of the file up to there; hashlib's type has no name
    arrives: Future[None]


class _Threads(NamedTuple):
    """What is done beside the cutting; one thread digests, so that the parts stay in their order."""

    uploads: ThreadPoolExecutor
    digests: ThreadPoolExecutor


@dataclass
class Fetch:
    """One turn at a file; `occurrence` is what has arrived of it.

    `time_left_s` says how long the turn may last; `alive` is called now and then while it does.
    """

    occurrence: Occurrence
    occurrences: Occurrences
    source: Source
    storage: Storage
    with_header: bool
    max_bytes: int
    time_left_s: Callable[[], float]
    alive: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    small: bytes | None = None  # the whole of a file that fits one part
    _renewed_at: float = 0.0
    _digest: Any = field(default_factory=hashlib.sha256)

    def run(self) -> Occurrence:
        """Bring the file in; gives the occurrence as staged, or with `small` set when nothing had to be staged.

        Raises OutOfTime, Rejected, Retryable, ConfigError, storage.UploadGone and occurrences.LeaseLost.
        """
        self._renewed_at = self.clock()
        at = self.occurrence
        if at.offset:
            self._save(replace(at, resumed=True))
        if at.upload_id and at.offset == at.size_bytes:
            return self._staged(self._digest)
        columns: tuple[str, ...] = ()  # behind the first part only their number is needed
        if at.part == 1:
            content = self.source.read_whole(read_link(at.metadata_link), max_bytes=MAX_BYTES)
            columns = read_columns(content)
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

    def _stream(self, columns: tuple[str, ...]) -> Occurrence:
        at = self.occurrence
        known = Facts(at.size_bytes, at.etag) if at.upload_id else None
        link = read_link(at.data_link)
        in_flight: deque[_Made] = deque()
        with (
            ThreadPoolExecutor(UPLOADS_IN_FLIGHT) as uploads,
            ThreadPoolExecutor(1) as digests,
            self.source.open(link, max_bytes=self.max_bytes, offset=at.offset, known=known) as file,
            Ahead(file, READ_BYTES) as ahead,
        ):
            try:
                whole = self._parts(ahead, file.facts, columns, _Threads(uploads, digests), in_flight)
            except (OutOfTime, Retryable):
                # What is on its way is good, whatever happened to the next part.
                self._arrived(in_flight, keep=0)
                raise
        return whole or self._staged(self._digest)

    def _parts(
        self,
        ahead: Ahead,
        facts: Facts,
        columns: tuple[str, ...],
        threads: _Threads,
        in_flight: deque[_Made],
    ) -> Occurrence | None:
        """Make every part from here on; gives the occurrence when the whole file is one, and is not uploaded."""
        latest, digest = self.occurrence, threads.digests.submit(self._digest.copy)
        total = facts.size_bytes
        carry = b""
        while True:
            block = self._block(ahead, carry, total - latest.offset)
            final = latest.offset + len(block) == total
            after, carry = self._part(block, latest, columns, final)
            digest = threads.digests.submit(_digested, digest, block)
            if final and latest.part == 1:
                self.small = bytes(block)
                return replace(after, size_bytes=total, sha256=digest.result().hexdigest())
            if not after.upload_id:
                upload_id = self.storage.begin(after.key)
                begun = replace(self.occurrence, upload_id=upload_id, size_bytes=total, etag=facts.etag)
                self._save(begun)
                after = replace(after, upload_id=upload_id, size_bytes=total, etag=facts.etag)
            arrives = threads.uploads.submit(self.storage.put_part, after.key, after.upload_id, latest.part, block)
            del block  # before the next one is made
            in_flight.append(_Made(after, digest, arrives))
            latest = after
            self._arrived(in_flight, keep=0 if final else UPLOADS_IN_FLIGHT)
            if final:
                return None

    def _block(self, file: Ahead, carry: bytes, left: int) -> bytearray:
        """Read until the block is full or the file at its end; `left` bytes are left of it, the carry included."""
        size = min(PART_BYTES, left)
        block = bytearray(size)
        block[: len(carry)] = carry
        filled = len(carry)
        while filled < size:
            piece = file.read(min(READ_BYTES, size - filled))
            block[filled : filled + len(piece)] = piece
            filled += len(piece)
            if self.clock() - self._renewed_at > RENEW_S:
                self._renew()
            if self.time_left_s() <= 0:
                raise OutOfTime
        return block

    def _part(
        self, block: bytearray, latest: Occurrence, columns: tuple[str, ...], final: bool
    ) -> tuple[Occurrence, bytes]:
        """Make the block the part's body; gives the occurrence behind it, and what belongs to the next part."""
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
        after = replace(
            latest,
            offset=latest.offset + mark + found.end,
            part=latest.part + 1,
            rows=latest.rows + found.rows,
            staged_bytes=latest.staged_bytes + len(block),
            idle=0,
        )
        return after, carry

    def _arrived(self, in_flight: deque[_Made], *, keep: int) -> None:
        """Wait for the oldest parts until `keep` are left on their way, and record how far it has come."""
        while len(in_flight) > keep:
            made = in_flight.popleft()
            made.arrives.result()
            self.occurrence, self._digest = made.after, made.digest.result()
        if keep == 0 or self.clock() - self._renewed_at > RECORD_S:
            self._save(self.occurrence)

    def _staged(self, digest: Any) -> Occurrence:
        at = self.occurrence
        version = self.storage.finish(at.key, at.upload_id, at.part - 1, at.staged_bytes)
        sha256 = "" if at.resumed else digest.hexdigest()
        staged = replace(at, state=State.STAGED, staged_version=version, upload_id="", sha256=sha256)
        self._save(staged)
        return staged

    def _save(self, occurrence: Occurrence) -> None:
        self.alive()
        self.occurrences.save(occurrence)
        self.occurrence = occurrence
        self._renewed_at = self.clock()

    def _renew(self) -> None:
        self.alive()
        self.occurrences.renew(self.occurrence)
        self._renewed_at = self.clock()
