"""A large file shared out among several workers, as the worker that holds the run sees it.

The run stays one: one record, receipt, audience lock, event and dead letter. Its file is cut into parts, each
with a record of its own (`<connector>#part#<run>#<part>`: lease, fence, cursor, counts), driven by messages of
its own through the connector's one queue, so that the mapping's maximum concurrency, the leases, continuations,
waits and the rate limit hold for a part as they do for a run. A part sends with the ordinary batcher and
sender, numbers its rows as the file does, and keeps its rejects beside the run's.

What makes it safe to die anywhere is who may write what:

- Only the run's holder writes the run's record. It says what the parts are to do: the phase (survey, screen, send)
  and the pieces. Only a part's holder writes the part's record. It says how far the part is. There is no counter
  that two of them share, so nothing that a repeated write could count twice.
- The run looks at its parts again and again, by its own delayed messages, rather than be called by the last part
  that ends: then one lost call would lose the run, and who is last would have to be agreed upon. A look costs a
  read for each part; the waits between looks grow with the phase, to a minute at most.
- A message to a part says "do what the run's record says". So a repeated, late or stray one does no harm: a part
  that has done its share comes to rest. Before the run notes that a phase's messages were sent it sends them; a
  crash between sends them again, and the lease lets one work.
- A part reads the run's record after it took its own lease. The run notes that it is ending before it reads the
  parts' leases. Whichever comes first, no part sends for a run that gave up the lock of its audience.

A part that fails for good ends the run, once the others have come to rest, with that part's reason; where several
failed it is the first one's in the file's order. What they sent stays counted. When the message is moved back from
the dead letters, every part that is not done goes on from its cursor. A part whose worker died is sent another
message as soon as the run finds its lease run out, long before the queue gives the first one back, and so is one
of which nothing was heard for an hour. A part at which workers die again and again ends the run too.

The phases: a text is surveyed for its records (`drops/ranges.py`); a hashed drop is looked through for values in
clear by all parts before any part sends; then the audience is opened, once, and the parts send. A file that cannot
be cut exactly (a quote out of place) is sent in one stream, which finds the fault and names its row. One that can
has the same rows in its receipt and rejects as in one stream; batches end where pieces do, so their number may
differ by one for each part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from activation.aws.clients import Clients
from activation.drops.chunk import DropReader
from activation.drops.limits import DEFAULT, GIB
from activation.drops.messages import Work
from activation.drops.parquet_file import ParquetReader
from activation.drops.ranges import Piece, range_count, row_group_pieces, settle
from activation.errors import ActivationError, ConfigError, Rejected
from activation.ledger.progress import REFERENCES_KEPT, Progress, add_left_out
from activation.ledger.runs import STOPPED, HeldRun, Run, RunState
from activation.ledger.split import Ending, Phase, RunSplit, Sent
from activation.model import Cursor
from activation.platforms.publisher import Verdict

SHARES = 4  # a part has a quarter of what is split at all, or it is not worth its start
LONGEST_RANGE_BYTES = GIB  # a survey is not resumed, and has to end within an invocation
UNANSWERED_S = 3600.0  # so long may a part's message wait behind other drops; another one does no harm
DEATHS_MAX = 5  # of a part's workers in one phase: as often as the queue gives a message out
LOOK_AFTER_S, LOOK_AT_LEAST_EVERY_S = 2.0, 60.0
LOOK_SHARE = 0.1  # of the phase's time so far: what a look may come too late, and no more

Key = TypeVar("Key")


def plan(
    reader: DropReader, size_bytes: int, *, above_bytes: int, most_parts: int, hashed: bool, now: float
) -> RunSplit | None:
    """Say how a file of `size_bytes` is to be shared out; None when it stays one stream.

    There are at most `most_parts`, but for files so long that a part would be longer than LONGEST_RANGE_BYTES.
    """
    share = max(above_bytes // SHARES, -(-size_bytes // max(1, most_parts)), 1)
    range_bytes = min(share, LONGEST_RANGE_BYTES)
    if isinstance(reader, ParquetReader):
        # Inside gzip or zstd it is small, or refused.
        pieces = row_group_pieces(reader, range_bytes) if reader.format == "parquet" else ()
        if len(pieces) < 2:
            return None
        return _cut(RunSplit(Phase.SURVEY, len(pieces), range_bytes, now), pieces, hashed=hashed, now=now)
    count = range_count(reader, range_bytes)
    return RunSplit(Phase.SURVEY, count, range_bytes, now) if count > 1 else None


def piece_of(split: RunSplit, part: int) -> Piece:
    """Give the rows of a part."""
    row, position, rows = split.pieces[part]
    return Piece(Cursor(row, position), rows)


def is_done(split: RunSplit, part: Run) -> bool:
    """Whether a part has done its share of the run's phase."""
    match split.phase:
        case Phase.SURVEY:
            return part.progress.plan.survey is not None
        case Phase.SCREEN:
            return part.progress.checkpoint.scanned_whole
        case _:
            return part.state is RunState.APPLIED


def catch_up(part: Run, whole: Progress) -> None:
    """Take a part's record for what it is worth now, when its run has gone back to its start since."""
    if part.progress.attempts.starts < whole.attempts.starts:
        part.progress.start_over()
        part.progress.attempts.starts, part.state = whole.attempts.starts, RunState.RUNNING


@dataclass
class RunParts:
    """The parts of a run that is shared out; `now` is Unix seconds."""

    run_id: str
    work: Work
    held: HeldRun
    clients: Clients
    queue_url: str
    hashed: bool
    now: float

    @property
    def split(self) -> RunSplit:
        """The run's split, which it has."""
        split = self.held.run.progress.plan.split
        if split is None:
            raise Rejected("no_split", "the run has parts and no split; its record is damaged")
        return split

    @split.setter
    def split(self, split: RunSplit) -> None:
        with self.held.lock:
            self.held.run.progress.plan.split = split

    def look(self) -> list[Run | None]:
        """Read every part's record, and take over their counts; None for a part that has not begun."""
        split = self.split
        progress = self.held.run.progress
        parts = [self.held.ledger.read(self.run_id, part) for part in range(split.parts)]
        for part in parts:
            if part is not None:
                catch_up(part, progress)
        with self.held.lock:
            _gather(progress, split, parts)
        return parts

    def failed(self, parts: Sequence[Run | None]) -> ActivationError | None:
        """Give the error of the first part that stopped since it got its message; None when none has."""
        for part, continuation in zip(parts, self.split.continuations, strict=False):
            if part is None or part.continuation < continuation:
                continue
            if part.state in STOPPED:
                kind = ConfigError if part.state is RunState.BLOCKED else Rejected
                return kind(part.code, part.sentence)
        return None

    def phase_ended(self, parts: Sequence[Run | None]) -> bool:
        """Whether every part has done its share."""
        return all(part is not None and is_done(self.split, part) for part in parts)

    def begin_next(self, parts: Sequence[Run | None]) -> None:
        """Go over to the next phase, once one has ended; nothing is queued yet."""
        split = self.split
        if split.phase is Phase.SURVEY:
            surveys = [survey for part in parts if part and (survey := part.progress.plan.survey)]
            pieces = settle(surveys, DEFAULT.record_bytes) or ()
            cut = _cut(split, pieces, hashed=self.hashed, now=self.now)
            # A range in which no record begins is no part any more; what it took stays counted.
            self.split = replace(cut, counted=_sums(parts[: cut.parts]))
        else:
            self.split = replace(split, phase=Phase.SEND, continuations=(), since=self.now)

    def queue(self, parts: Sequence[Run | None]) -> None:
        """Send every part that is not done the message for this phase, and note that they were sent."""
        split = self.split
        continuations = []
        for index in range(split.parts):
            part = parts[index] if index < len(parts) else None
            continuations.append(part.continuation + 1 if part else 1)
            if part is None or not is_done(split, part):
                self._ask(index, part)
        asked, deaths = (self.now,) * split.parts, (0,) * split.parts
        self.split = replace(split, continuations=tuple(continuations), asked=asked, deaths=deaths)

    def ask_again(self, parts: Sequence[Run | None]) -> None:
        """Send another message to every part whose worker died, or that is silent for longer than it may be.

        Raises Rejected with part_lost when workers died at a part too often.
        """
        split = self.split
        # An earlier release has noted neither.
        asked, deaths = list(split.asked or (split.since,) * split.parts), list(split.deaths or (0,) * split.parts)
        for index, part in enumerate(parts):
            if part is not None and is_done(split, part):
                continue
            died = part is not None and asked[index] < part.lease_until <= self.now
            deaths[index] += died
            if deaths[index] >= DEATHS_MAX:
                raise Rejected("part_lost", "workers died at one part of the file again and again; redrive it")
            if died or self._is_silent(part, asked[index]):
                self._ask(index, part)
                asked[index] = self.now
        self.split = replace(split, asked=tuple(asked), deaths=tuple(deaths))

    def _is_silent(self, part: Run | None, asked: float) -> bool:
        heard = max(part.lease_until, part.updated_at, part.not_before) if part else 0.0
        return self.now - max(asked, heard) > UNANSWERED_S

    def _ask(self, index: int, part: Run | None) -> None:
        work = replace(self.work, part=index, continuation=part.continuation if part else 0)
        self.clients.sqs.send_message(QueueUrl=self.queue_url, MessageBody=work.next_message(), DelaySeconds=0)

    def must_wait_to_end(self, state: RunState, error: ActivationError) -> bool:
        """Tell the parts that the run is ending, and say whether some are still at work; raises LeaseLost."""
        split = self.split
        if split.phase is Phase.ALONE:
            return False
        if split.ending is None:
            self.split = replace(split, ending=Ending(state, error.code, error.sentence))
            self.held.save()
        return any(part is not None and part.lease_until > self.now for part in self.look())

    def give_up(self) -> None:
        """Let one stream send the file after all; no part has sent anything yet."""
        self.split = replace(self.split, phase=Phase.ALONE, parts=0, pieces=(), continuations=(), since=self.now)

    def restart(self) -> None:
        """Let the parts that are not done be sent for again, after the run stopped or went back to its start."""
        if self.split.phase is not Phase.ALONE:
            self.split = replace(self.split, ending=None, continuations=(), since=self.now)

    @property
    def look_again_s(self) -> float:
        """Give the seconds until the next look at the parts."""
        return min(LOOK_AT_LEAST_EVERY_S, max(LOOK_AFTER_S, LOOK_SHARE * (self.now - self.split.since)))


def _cut(split: RunSplit, pieces: Sequence[Piece], *, hashed: bool, now: float) -> RunSplit:
    """Give the split as it goes on once the pieces are known; a file of fewer than two goes on alone."""
    if len(pieces) < 2:
        return replace(split, phase=Phase.ALONE, parts=0, continuations=(), since=now)
    return replace(
        split,
        phase=Phase.SCREEN if hashed else Phase.SEND,
        parts=len(pieces),
        pieces=tuple((piece.start.row, piece.start.position, piece.rows) for piece in pieces),
        continuations=(),
        since=now,
    )


def _gather(progress: Progress, split: RunSplit, parts: Sequence[Run | None]) -> None:
    """Write the sums over the parts into the run's own counts; the same parts may be gathered again and again."""
    tally, checkpoint = progress.tally, progress.checkpoint
    counted = _sums(parts)
    tally.requests += counted.requests - split.counted.requests
    tally.resent += counted.resent - split.counted.resent
    tally.bytes_sent += counted.bytes_sent - split.counted.bytes_sent
    tally.active_s += counted.active_s - split.counted.active_s
    progress.plan.split = replace(split, counted=counted)
    begun = [part.progress for part in parts if part]
    tally.acknowledged = sum(part.tally.acknowledged for part in begun)
    tally.uploads = sum(part.tally.uploads for part in begun)
    tally.rejected_by_us = _total(part.tally.rejected_by_us for part in begun)
    tally.rejected_by_platform = _total(part.tally.rejected_by_platform for part in begun)
    tally.identifiers = _total(part.tally.identifiers for part in begun)
    tally.left_out = {}
    for part in begun:
        add_left_out(tally.left_out, part.tally.left_out)
        checkpoint.handles.update(part.checkpoint.handles)
    verdicts = [Verdict(handle, refused) for handle, refused in tally.verdicts.items()]
    tally.verdicts = {}
    tally.judge(verdicts)  # what the parts know nothing of
    tally.references = [one for part in begun for one in part.tally.references][-REFERENCES_KEPT:]
    if split.pieces:
        rows = 0
        for run, piece in zip(parts, split.pieces, strict=True):
            rows += max(0, run.progress.checkpoint.cursor.row - piece[0]) if run else 0
        checkpoint.cursor = Cursor(rows)


def _sums(parts: Iterable[Run | None]) -> Sent:
    """Return the sums over the parts of what the run has of its own as well, for opening the audience."""
    begun = [part.progress.tally for part in parts if part]
    return Sent(
        requests=sum(part.requests for part in begun),
        resent=sum(part.resent for part in begun),
        bytes_sent=sum(part.bytes_sent for part in begun),
        active_s=sum(part.active_s for part in begun),
    )


def _total(counts: Iterable[Counter[Key]]) -> Counter[Key]:
    total: Counter[Key] = Counter()
    for one in counts:
        total.update(one)
    return total
